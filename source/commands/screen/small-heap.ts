import {PerformanceObserver} from 'node:perf_hooks';
import v8 from 'node:v8';

/** Bytes of V8's new space, both halves, up to which it may grow: a busy night then fills it a few times a second. */
const enough = 8 * 1024 * 1024;
/** Milliseconds for which it may, after a collection that found it smaller: so short that it does not come far beyond. */
const whileGrowing = 50;
/** Percent of what is alive, as garbage that may lie about before it is collected. */
const garbage = 50;

/**
 * Keeps V8's heap close to what is alive in it. Its new space grows to 128 MB while messages pour in, all of it garbage, its
 * old space to several times what is alive, and what they have once had stays resident. `--max-semi-space-size` says the same
 * as the first, and only to a process that is not running yet; how fast a space grows is asked whenever it would. The new
 * space shrinks while nothing happens, so it is looked at after each collection.
 */
export function keepHeapSmall(): void {
	v8.setFlagsFromString(`--heap-growing-percent=${garbage}`);
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
