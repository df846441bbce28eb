import {DatabaseError} from './database.ts';

/** Milliseconds of the first pause; each further one is twice as long, up to the longest. */
const defaults = {first: 2000, longest: 60_000};
/**
 * After what could not be cancelled, which an ordinary query always can: to end it cost everyone the database for seconds, so
 * that several agents in turn could keep it away from the others.
 */
const runaway = {first: 60_000, longest: 3_600_000};
/** Milliseconds without another one after which the next is a first one again. */
const forgotten = 120_000;

interface Pause {
	readonly times: number;
	/** By the clock that is given, in milliseconds. */
	readonly until: number;
}

/** Who ran into a time limit, and cannot do so again at once: each time the pause is longer. */
export class Pauses {
	readonly #pauses = new Map<string, Pause>();
	readonly #now: () => number;

	/** `now`: a clock in milliseconds that only goes forward. */
	constructor(now: () => number = () => performance.now()) {
		this.#now = now;
	}

	/** Begins a pause of that caller, a long one after what could not be cancelled; returns its milliseconds. */
	begin(key: string, isRunaway = false): number {
		const now = this.#now();
		for (const [other, {until}] of this.#pauses) if (now - until > forgotten) this.#pauses.delete(other);
		const times = (this.#pauses.get(key)?.times ?? 0) + 1;
		const {first, longest} = isRunaway ? runaway : defaults;
		const length = Math.max(Math.min(first * 2 ** (times - 1), longest), this.left(key));
		this.#pauses.set(key, {times, until: now + length});
		return length;
	}

	/** Milliseconds that are left of the caller's pause; 0 when it has none. */
	left(key: string): number {
		return Math.max((this.#pauses.get(key)?.until ?? 0) - this.#now(), 0);
	}
}

/** PostgREST answers the code with HTTP 429. */
export function pausedError(name: string, left: number): DatabaseError {
	const hint = `Wait ${seconds(left)}, then ask for less at once. Sending messages and reading the inbox work meanwhile.`;
	return new DatabaseError(
		`requests of ${name} are paused for ${seconds(left)}`,
		pausedCode,
		'An earlier one ran into its time limit.',
		hint,
	);
}

/** SQLSTATE of pausedError. */
export const pausedCode = 'PT429';

/** At least one second. */
export function seconds(milliseconds: number): string {
	return `${Math.max(Math.ceil(milliseconds / 1000), 1)} s`;
}
