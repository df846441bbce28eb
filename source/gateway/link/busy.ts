import type {Busy, Unsubscribe} from '../../mailbox/event.ts';

type Listener = (busy: Busy | null) => void;

/** Milliseconds that a request waits before the hub is first asked for the reason, and between later questions. */
const askAfter = 1500;
const askEvery = 1000;
/** Milliseconds that a statement has run before it is reported. */
const longerThan = 1000;

/**
 * Finds out whether a statement keeps the database from answering. While a request waits and somebody listens, it asks the
 * local hub, which can answer without its database; it stops when a request is answered.
 */
export class BusyWatch {
	readonly #ask: () => Promise<unknown>;
	readonly #listeners = new Set<Listener>();
	#timer: NodeJS.Timeout | null = null;
	#reported: Busy | null = null;

	/** `ask` fetches the hub's health. */
	constructor(ask: () => Promise<unknown>) {
		this.#ask = ask;
	}

	listen(listener: Listener): Unsubscribe {
		this.#listeners.add(listener);
		return () => {
			this.#listeners.delete(listener);
			if (this.#listeners.size === 0) this.#stop();
		};
	}

	/** Whether the local hub reports a statement that keeps its database busy. */
	async isBusy(): Promise<boolean> {
		return longest(await this.#ask().catch(() => null)) !== null;
	}

	/** A request is waiting for the database. */
	begin(): void {
		if (this.#listeners.size > 0) this.#timer ??= setTimeout(() => void this.#look(), askAfter);
	}

	/** The database has answered a request. */
	answered(): void {
		this.#stop();
		this.#report(null);
	}

	async #look(): Promise<void> {
		const timer = this.#timer;
		const busy = longest(await this.#ask().catch(() => null));
		if (this.#timer !== timer || timer === null) return;
		this.#report(busy);
		this.#timer = setTimeout(() => void this.#look(), askEvery);
	}

	#stop(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
	}

	#report(busy: Busy | null): void {
		if (busy === null && this.#reported === null) return;
		this.#reported = busy;
		for (const listener of this.#listeners) listener(busy);
	}
}

/** The statement that has been running for the longest time, according to the hub's health. */
export function longest(health: unknown): Busy | null {
	const {running} = (health ?? {}) as {readonly running?: unknown};
	if (!Array.isArray(running)) return null;
	const found = running
		.filter((each: unknown): each is {readonly who: string; readonly running: number} => {
			const {who, running: time} = (each ?? {}) as {readonly who?: unknown; readonly running?: unknown};
			return typeof who === 'string' && typeof time === 'number' && time >= longerThan;
		})
		.toSorted((one, other) => other.running - one.running)[0];
	return found === undefined ? null : {who: found.who, since: Date.now() - found.running};
}
