/**
 * Makes one run at a time of `work`. The promise is that of a run which began after the call: however often it is called
 * during one run, one more follows, whether the one before failed or not.
 */
export function coalesce(work: () => Promise<void>): () => Promise<void> {
	let running: Promise<void> = Promise.resolve();
	let next: Promise<void> | null = null;
	const start = (): Promise<void> => {
		next = null;
		return work();
	};
	return () => {
		if (next === null) {
			next = running.then(start, start);
			running = next;
		}
		return next;
	};
}
