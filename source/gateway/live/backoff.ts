/** Milliseconds to wait after so many failures in a row: 1, 2, 5, then 10 seconds, and up to a fifth more, so that many clients do not come back at once. */
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

	/** One more failure: schedules the next attempt, and says when it is made (milliseconds since 1970). */
	schedule(): number {
		clearTimeout(this.#timer);
		this.#failures += 1;
		const delay = this.#delayAfter(this.#failures);
		this.#timer = setTimeout(this.#callback, delay);
		return Date.now() + delay;
	}

	/** It worked, or nobody wants it any more. */
	reset(): void {
		clearTimeout(this.#timer);
		this.#failures = 0;
	}
}
