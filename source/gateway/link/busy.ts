import type {Busy, Unsubscribe} from '../../mailbox/event.ts';

type Listener = (busy: Busy | null) => void;

/** Milliseconds that a request may wait before it is asked what it waits for, and between two questions. */
const askAfter = 1500;
const askEvery = 1000;
/** Milliseconds that a statement has run before it is told. */
const longerThan = 1000;

/**
 * Whether a statement keeps the database from answering. Asked of the hub of this machine, which says so without its database,
 * while a request waits, until one is answered; and only while somebody listens.
 */
export class BusyWatch {
	readonly #ask: () => Promise<unknown>;
	readonly #listeners = new Set<Listener>();
	#timer: NodeJS.Timeout | null = null;
	#told: Busy | null = null;

	/** `ask`: what the hub says of itself. */
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

	/** A request waits for the database. */
	begin(): void {
		if (this.#listeners.size > 0) this.#timer ??= setTimeout(() => void this.#look(), askAfter);
	}

	/** The database has answered one. */
	answered(): void {
		this.#stop();
		this.#tell(null);
	}

	async #look(): Promise<void> {
		const timer = this.#timer;
		const busy = longest(await this.#ask().catch(() => null));
		if (this.#timer !== timer || timer === null) return;
		this.#tell(busy);
		this.#timer = setTimeout(() => void this.#look(), askEvery);
	}

	#stop(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
	}

	#tell(busy: Busy | null): void {
		if (busy === null && this.#told === null) return;
		this.#told = busy;
		for (const listener of this.#listeners) listener(busy);
	}
}

/** The statement that has run longest, of what a hub says of itself. */
function longest(health: unknown): Busy | null {
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
