/** Milliseconds after a failure. */
const retryInterval = 5000;

/**
 * Does the work, again and again until it succeeds or is ended: the hub may be unreachable, or the agent has left and will join again.
 * `say` is called with each failure that is not the same as the last one.
 */
export function untilItWorks(work: () => Promise<void>, say: (error: unknown) => void): {end(): void} {
	let timer: NodeJS.Timeout | undefined;
	let last = '';
	let ended = false;
	const attempt = (): void => {
		work().catch((error: unknown) => {
			if (ended) return;
			if (String(error) !== last) say(error);
			last = String(error);
			timer = setTimeout(attempt, retryInterval);
		});
	};
	attempt();
	return {
		end() {
			ended = true;
			clearTimeout(timer);
		},
	};
}
