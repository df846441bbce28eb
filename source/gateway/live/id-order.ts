import type {Cursor} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';

/** Milliseconds that a message waits for a missing one with a lower id, which may be committed at any moment. */
export const gapTimeout = 200;
/** Milliseconds that it then waits for one last read of the database, which may be busy. */
const lookTimeout = 1000;
/** The maximum number of messages that wait: while a long history is read, one gap would otherwise hold back all the rest. */
const maxWaiting = 1000;

export interface IdOrderListener {
	messages(messages: readonly Message[]): void;
	cursor(cursor: Cursor): void;
}

interface Waiting {
	readonly message: Message;
	/** By `performance.now()`: when it is released even if its predecessor is missing. */
	readonly due: number;
	/** The order in which messages were added. */
	readonly serial: number;
}

/**
 * Puts messages into the order of their ids. An id is assigned before the commit, so a message may become visible before one
 * with a lower id. A stream that showed it immediately could not correct the order later. Therefore a message whose predecessor
 * is missing waits for it, but not for long: the missing id may belong to an insert that failed or to a transaction that stays
 * open. A message that arrives after one with a higher id was released does not wait.
 */
export class IdOrder {
	readonly #listener: IdOrderListener;
	readonly #look: () => Promise<void>;
	/** The highest id that was released; null before the starting point is known. */
	#last: number | null;
	#serial = 0;
	/** By id. */
	#waiting: readonly Waiting[] = [];
	/** Each cursor waits for the messages that were added before it. */
	#cursors: {readonly cursor: Cursor; readonly serial: number}[] = [];
	#timer: NodeJS.Timeout | undefined;
	#isLooking = false;
	#isClosed = false;
	#drained: PromiseWithResolvers<void> | null = null;

	/** `look` reads the database and adds what it finds; called before the wait for a missing id is given up. */
	constructor(listener: IdOrderListener, look: () => Promise<void>, last: number | null) {
		this.#listener = listener;
		this.#look = look;
		this.#last = last;
	}

	add(messages: readonly Message[]): void {
		const due = performance.now() + gapTimeout;
		const added = messages.map(message => ({message, due, serial: ++this.#serial}));
		this.#waiting = [...this.#waiting, ...added].sort((one, other) => one.message.id - other.message.id);
		this.#release(this.#waiting.length - maxWaiting);
	}

	/** Sets the starting point: the next id is expected first. */
	begin(id: number): void {
		this.#last = Math.max(this.#last ?? 0, id);
		this.#release(0);
	}

	cursor(cursor: Cursor): void {
		this.#cursors.push({cursor, serial: this.#serial});
		this.#emitCursor();
	}

	/** Replaces those of the messages that are waiting; returns the others. */
	replace(messages: readonly Message[]): Message[] {
		const byId = new Map(messages.map(message => [message.id, message]));
		const waiting = new Set(this.#waiting.map(({message}) => message.id));
		this.#waiting = this.#waiting.map(each => ({...each, message: byId.get(each.message.id) ?? each.message}));
		return messages.filter(({id}) => !waiting.has(id));
	}

	/** Releases everything. Messages added from now on belong to another history, in which `id` is the last known one. */
	restart(id: number): void {
		this.#release(this.#waiting.length);
		this.#last = id;
	}

	/** Resolves when no message is waiting. */
	async drained(): Promise<void> {
		if (this.#waiting.length === 0 || this.#isClosed) return;
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
		for (const {message} of this.#waiting) {
			if (count >= atLeast && this.#last !== null && message.id > this.#last + 1) break;
			this.#last = Math.max(this.#last ?? 0, message.id);
			count += 1;
		}
		const released = this.#waiting.slice(0, count);
		this.#waiting = this.#waiting.slice(count);
		if (released.length > 0) this.#listener.messages(released.map(({message}) => message));
		this.#emitCursor();
		this.#wait();
	}

	#emitCursor(): void {
		const oldest = Math.min(...this.#waiting.map(({serial}) => serial));
		const open = this.#cursors.findIndex(({serial}) => serial >= oldest);
		const covered = this.#cursors.splice(0, open === -1 ? this.#cursors.length : open).at(-1);
		if (covered !== undefined) this.#listener.cursor(covered.cursor);
	}

	#wait(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#waiting.length === 0) {
			this.#drained?.resolve();
			this.#drained = null;
			return;
		}
		if (this.#isLooking || this.#isClosed) return;
		const due = Math.min(...this.#waiting.map(each => each.due));
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
		this.#release(this.#waiting.findLastIndex(({due}) => due <= now) + 1);
	}
}
