/** Milliseconds after the beginning of a round at which an idle client is rung again, and at which another way is tried. */
const again = [2000, 5000];
const other = [10_000, 20_000];
/** Milliseconds until the next round begins; the last one from then on. */
const pauses = [30_000, 60_000, 120_000, 300_000];

/**
 * When to ring for the same mail: in rounds, each of which begins with the way that worked last, repeats it, and then tries the
 * others. All times are those of one clock, in milliseconds.
 */
export class Rounds {
	#begun: number;
	/** How many of the steps of this round were made. */
	#steps = 0;
	#round = 0;
	/** When the next round begins; null while one is going on. */
	#next: number | null = null;

	constructor(now: number) {
		this.#begun = now;
	}

	/** What is due: `begin` a round, ring `again`, or ring by an `other` way; null for nothing. */
	next(now: number): 'begin' | 'again' | 'other' | null {
		if (this.left(now) > 0) return null;
		if (this.#next !== null) {
			this.#begun = now;
			this.#next = null;
			this.#steps = 0;
			this.#round += 1;
		}
		const step = this.#steps++;
		return step === 0 ? 'begin' : step <= again.length ? 'again' : 'other';
	}

	/** Ends the round: no way is left, or the client is not to be woken now. */
	over(now: number): void {
		this.#next = now + (pauses[Math.min(this.#round, pauses.length - 1)] ?? 0);
	}

	/** Whether the next round has not begun. */
	get isOver(): boolean {
		return this.#next !== null;
	}

	/** The time until something is due. */
	left(now: number): number {
		if (this.#next !== null) return Math.max(0, this.#next - now);
		const at = [0, ...again, ...other][this.#steps] ?? other.at(-1) ?? 0;
		return Math.max(0, this.#begun + at - now);
	}
}
