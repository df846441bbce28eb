/** Bytes of V8's new space, both halves, up to which it may grow. A busy night then fills it a few times a second. */
const enough = 8 * 1024 * 1024;
/** Milliseconds for which it may grow after a collection that found it smaller. This is short, so it does not overshoot by much. */
const whileGrowing = 50;
/** How much garbage may pile up before it is collected, in percent of the live data. */
const garbage = 50;

/**
 * Keeps V8's heap close to the size of its live data. While messages pour in, the new space would grow to 128 MB, all of it
 * garbage, and the old space to several times the live data; memory once used stays resident. `--max-semi-space-size` limits the
 * new space, but only for a process that has not started yet, while V8 reads the growth factors whenever a space is about to grow.
 * The new space shrinks while nothing happens, so its size is checked after each collection.
 */
export function keepHeapSmall(): void {
	// Loaded here, for those commands that go on.
	const v8 = process.getBuiltinModule('node:v8');
	const {PerformanceObserver} = process.getBuiltinModule('node:perf_hooks');
	v8.setFlagsFromString(`--heap-growing-percent=${garbage}`);
	// So little is copied within two milliseconds. With help, a collection waits until each helper had a core, while a key waits for it.
	v8.setFlagsFromString('--no-parallel-scavenge');
	const grow = (factor: 1 | 2): void => v8.setFlagsFromString(`--semi-space-growth-factor=${factor}`);
	let timer: NodeJS.Timeout | undefined;
	grow(1);
	const observer = new PerformanceObserver(() => {
		const size = v8.getHeapSpaceStatistics().find(({space_name: name}) => name === 'new_space')?.space_size ?? 0;
		if (size >= enough || timer !== undefined) return;
		grow(2);
		timer = setTimeout(() => {
			timer = undefined;
			grow(1);
		}, whileGrowing);
		timer.unref();
	});
	observer.observe({entryTypes: ['gc']});
}
