/**
 * Milliseconds since the process started. `performance.now()` would load node:perf_hooks, which takes 1.2 ms.
 */
export const age = (): number => process.uptime() * 1000;

/** When a hook gives up: an age of its process, in milliseconds. */
export class Deadline {
	/** The age at the first line of our code. */
	readonly begun = age();
	readonly #expired: (error: Error) => void;
	#at = 0;
	#timer: NodeJS.Timeout | undefined;

	/** `expired` is called when the time is over, with the reason to give up. */
	constructor(milliseconds: number, expired: (error: Error) => void) {
		this.#expired = expired;
		this.move(this.begun + milliseconds);
	}

	/** Moves it to another age of the process. */
	move(at: number): void {
		this.#at = at;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#expired(this.#error()), Math.max(0, this.left()));
	}

	/** Milliseconds that are left; negative when it has passed. */
	left(): number {
		return this.#at - age();
	}

	/** Throws if fewer milliseconds are left. */
	check(needed: number): void {
		if (this.left() < needed) throw this.#error();
	}

	#error(): Error {
		return new Error(`gave up after ${Math.round(age() - this.begun)} ms`);
	}
}
