import type {Cursor} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';

/** Milliseconds that a message waits for a missing one with a lower id, which may be committed any moment. */
export const gapTimeout = 200;
/** Milliseconds that it then waits for one last read of the database, which may be busy. */
const lookTimeout = 1000;
/** The maximum number of messages that wait: while a long history is read, one gap would hold back the whole rest. */
const maxHeld = 1000;

export interface IdOrderListener {
	messages(messages: readonly Message[]): void;
	cursor(cursor: Cursor): void;
}

interface Held {
	readonly message: Message;
	/** By `performance.now()`: when it is released even if its predecessor is missing. */
	readonly due: number;
	/** The order in which messages were added. */
	readonly serial: number;
}

/**
 * Puts messages into the order of their ids. An id is given before the commit, so a message may become visible before one with a
 * lower id. A stream that showed it at once could not correct the order later. Therefore a message whose predecessor is missing
 * waits for it, but not for long: the missing id may belong to an insert that failed or to a transaction that stays open.
 * A message that arrives after one with a higher id was released is released at once.
 */
export class IdOrder {
	readonly #listener: IdOrderListener;
	readonly #look: () => Promise<void>;
	/** The highest id that was released; null before the starting point is known. */
	#last: number | null;
	#serial = 0;
	/** By id. */
	#held: readonly Held[] = [];
	/** Each cursor waits for the messages that were added before it. */
	#cursors: {readonly cursor: Cursor; readonly serial: number}[] = [];
	#timer: NodeJS.Timeout | undefined;
	#isLooking = false;
	#isClosed = false;
	#drained: PromiseWithResolvers<void> | null = null;

	/** `look` reads the database and adds what it finds; called before a gap is given up. */
	constructor(listener: IdOrderListener, look: () => Promise<void>, last: number | null) {
		this.#listener = listener;
		this.#look = look;
		this.#last = last;
	}

	add(messages: readonly Message[]): void {
		const due = performance.now() + gapTimeout;
		const added = messages.map(message => ({message, due, serial: ++this.#serial}));
		this.#held = [...this.#held, ...added].sort((one, other) => one.message.id - other.message.id);
		this.#release(this.#held.length - maxHeld);
	}

	/** The starting point: the first message that is expected has the next id. */
	begin(id: number): void {
		this.#last = Math.max(this.#last ?? 0, id);
		this.#release(0);
	}

	cursor(cursor: Cursor): void {
		this.#cursors.push({cursor, serial: this.#serial});
		this.#tellCursor();
	}

	/** Replaces those of the messages that wait; returns the ones that do not. */
	replace(messages: readonly Message[]): Message[] {
		const byId = new Map(messages.map(message => [message.id, message]));
		const isHeld = new Set(this.#held.map(({message}) => message.id));
		this.#held = this.#held.map(held => ({...held, message: byId.get(held.message.id) ?? held.message}));
		return messages.filter(({id}) => !isHeld.has(id));
	}

	/** Releases everything. What is added from now on belongs to another history and follows that id. */
	restart(id: number): void {
		this.#release(this.#held.length);
		this.#last = id;
	}

	/** Resolves when nothing waits. */
	async drained(): Promise<void> {
		if (this.#held.length === 0 || this.#isClosed) return;
		this.#drained ??= Promise.withResolvers();
		await this.#drained.promise;
	}

	close(): void {
		this.#isClosed = true;
		clearTimeout(this.#timer);
		this.#drained?.resolve();
	}

	/** Releases the first `atLeast` messages, and the ones after them up to the next gap. */
	#release(atLeast: number): void {
		let count = 0;
		for (const {message} of this.#held) {
			if (count >= atLeast && this.#last !== null && message.id > this.#last + 1) break;
			this.#last = Math.max(this.#last ?? 0, message.id);
			count += 1;
		}
		const released = this.#held.slice(0, count);
		this.#held = this.#held.slice(count);
		if (released.length > 0) this.#listener.messages(released.map(({message}) => message));
		this.#tellCursor();
		this.#wait();
	}

	#tellCursor(): void {
		const oldest = Math.min(...this.#held.map(({serial}) => serial));
		const open = this.#cursors.findIndex(({serial}) => serial >= oldest);
		const covered = this.#cursors.splice(0, open === -1 ? this.#cursors.length : open).at(-1);
		if (covered !== undefined) this.#listener.cursor(covered.cursor);
	}

	#wait(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#held.length === 0) {
			this.#drained?.resolve();
			this.#drained = null;
			return;
		}
		if (this.#isLooking || this.#isClosed) return;
		const due = Math.min(...this.#held.map(held => held.due));
		this.#timer = setTimeout(() => void this.#giveUp(), Math.max(0, due - performance.now()));
	}

	async #lookOnce(): Promise<void> {
		const timeout = Promise.withResolvers<void>();
		const timer = setTimeout(timeout.resolve, lookTimeout);
		await Promise.race([this.#look(), timeout.promise]);
		clearTimeout(timer);
	}

	async #giveUp(): Promise<void> {
		const now = performance.now();
		this.#isLooking = true;
		await this.#lookOnce();
		this.#isLooking = false;
		if (this.#isClosed) return;
		this.#release(this.#held.findLastIndex(({due}) => due <= now) + 1);
	}
}
