/**
 * Milliseconds to wait after a number of failures in a row: 1, 2, 5, then 10 seconds, plus up to a fifth, so that many clients
 * do not reconnect at the same moment.
 */
export function delayAfter(failures: number): number {
	const seconds = [1, 2, 5][failures - 1] ?? 10;
	return seconds * 1000 * (1 + Math.random() / 5);
}

/** Calls back after a delay that grows with each failure in a row (after Phoenix's Timer). */
export class Backoff {
	readonly #callback: () => void;
	readonly #delayAfter: (failures: number) => number;
	#failures = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(callback: () => void, delay: (failures: number) => number = delayAfter) {
		this.#callback = callback;
		this.#delayAfter = delay;
	}

	/** Counts a failure and schedules the next attempt; returns the time of that attempt (milliseconds since 1970). */
	schedule(): number {
		clearTimeout(this.#timer);
		this.#failures += 1;
		const delay = this.#delayAfter(this.#failures);
		this.#timer = setTimeout(this.#callback, delay);
		return Date.now() + delay;
	}

	/** Cancels the next attempt and forgets the failures: the last attempt succeeded, or no more are wanted. */
	reset(): void {
		clearTimeout(this.#timer);
		this.#failures = 0;
	}
}
