import {DatabaseError} from './database.ts';

/** Milliseconds. Each pause is twice as long as the one before, up to `longest`. */
const defaults = {first: 2000, longest: 60_000};
/**
 * The same, after a statement that could not be cancelled (ordinary queries always can). Ending it made the database unavailable for
 * seconds; without long pauses, a few agents taking turns could keep it unavailable.
 */
const runaway = {first: 60_000, longest: 3_600_000};
/** Milliseconds after the end of a pause when the caller's earlier pauses no longer count. */
const forgetAfter = 120_000;

interface Pause {
	readonly times: number;
	/** Milliseconds, by the clock of `Pauses`. */
	readonly until: number;
}

/** The callers whose requests are refused for a while because one ran into a time limit. Each pause is longer than the one before. */
export class Pauses {
	readonly #pauses = new Map<string, Pause>();
	readonly #now: () => number;

	/** `now`: a monotonic clock in milliseconds. */
	constructor(now: () => number = () => performance.now()) {
		this.#now = now;
	}

	/** Starts a pause of the caller; a long one if the statement could not be cancelled (`isRunaway`). Returns its milliseconds. */
	begin(key: string, isRunaway = false): number {
		const now = this.#now();
		for (const [other, {until}] of this.#pauses) if (now - until > forgetAfter) this.#pauses.delete(other);
		const times = (this.#pauses.get(key)?.times ?? 0) + 1;
		const {first, longest} = isRunaway ? runaway : defaults;
		const length = Math.max(Math.min(first * 2 ** (times - 1), longest), this.left(key));
		this.#pauses.set(key, {times, until: now + length});
		return length;
	}

	/** Milliseconds left of the caller's pause; 0 if there is none. */
	left(key: string): number {
		return Math.max((this.#pauses.get(key)?.until ?? 0) - this.#now(), 0);
	}
}

/** The error for a request during a pause; its code makes the HTTP status 429. */
export function pausedError(name: string, left: number): DatabaseError {
	const hint = `Wait ${seconds(left)}, then request less at a time. Sending messages and reading the inbox still work.`;
	return new DatabaseError(
		`requests of ${name} are paused for ${seconds(left)}`,
		pausedCode,
		'An earlier request ran into its time limit.',
		hint,
	);
}

/** SQLSTATE of `pausedError`. */
export const pausedCode = 'PT429';

/** Whole seconds with the unit, at least `1 s`. */
export function seconds(milliseconds: number): string {
	return `${Math.max(Math.ceil(milliseconds / 1000), 1)} s`;
}
