/**
 * Wraps `work` so that only one run happens at a time. Each call gets the promise of a run that begins after the call: all
 * calls during one run share the next, which takes place even if the first one fails.
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
