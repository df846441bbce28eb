import type {Cursor} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';
import {coalesce} from './coalesce.ts';

/** A place in the order in which the catch-up reads: by transaction, then by id. */
export type Position = Pick<Cursor, 'xid' | 'id'>;

/** A row of `messages_since`. Settled: no transaction that could still commit a row before it is running. */
export interface Row {
	readonly message: Message;
	readonly settled: boolean;
}

/** Where the catch-up reads from. */
export interface Source {
	/** The database's identity, and the oldest transaction that is still running. */
	state(): Promise<{readonly epoch: string; readonly horizon: string}>;
	/** The rows after a position, in order; fewer than `limit` only when there are no more. */
	page(after: Position, limit: number): Promise<readonly Row[]>;
}

/** Whom it tells. A cursor comes after all messages at or before it. */
export interface Listener {
	messages(messages: readonly Message[]): void;
	cursor(cursor: Cursor): void;
	/** What was told was of another database; now comes this one, from its beginning. */
	replaced(epoch: string): void;
}

const pageSize = 500;

/**
 * Tells every committed message exactly once, whatever was lost on the way. Ids and transactions commit out of order, so
 * "everything after the last one seen" loses rows: each pass reads again from the settled cursor, tells what is new, and
 * moves the cursor over the rows that nothing can slip in before any more.
 */
export class CatchUp {
	readonly #source: Source;
	readonly #listener: Listener;
	readonly #limit: number;
	/** Null until the first pass has found out where "now" is. */
	#cursor: Cursor | null;
	/** What was told beyond the cursor: id to xid. */
	readonly #told = new Map<number, string>();
	/** The next pass asks whether this is still the same database. */
	#verify = false;
	readonly #pass = coalesce(async () => {
		const verify = this.#verify;
		this.#verify = false;
		try {
			await this.#read(verify);
		} catch (error) {
			this.#verify = true;
			throw error;
		}
	});

	constructor(source: Source, listener: Listener, from: Cursor | null, limit = pageSize) {
		this.#source = source;
		this.#listener = listener;
		this.#cursor = from;
		this.#limit = limit;
	}

	/** Whether it is known where to read from. */
	get placed(): boolean {
		return this.#cursor !== null;
	}

	/**
	 * Resolves when a pass that began after this call has ended; rejects as the source does. One pass runs at a time, and
	 * however often this is called meanwhile, one more follows. `verify` also asks whether this is still the same
	 * database, as it must be after each reconnect and is after each failure; another one is told from its beginning.
	 */
	run(verify: boolean): Promise<void> {
		this.#verify ||= verify;
		return this.#pass();
	}

	/** Tells a row that came with its doorbell, unless it was told before. Says nothing about the rows around it. */
	offer(message: Message): void {
		if (this.#cursor === null || !this.#isNew(message, this.#cursor)) return;
		this.#told.set(message.id, message.xid);
		this.#listener.messages([message]);
	}

	async #read(verify: boolean): Promise<void> {
		const silent = this.#cursor === null;
		// What a first pass that failed had seen may have been of another database.
		if (silent) this.#told.clear();
		let cursor = this.#cursor ?? (await this.#now());
		let unverified = verify && !silent;
		let after: Position = cursor;
		let contiguous = true;
		for (;;) {
			const rows = await this.#source.page(after, this.#limit);
			if (unverified) {
				unverified = false;
				// Asked after the page was read: the page is of this database, or is thrown away.
				const {epoch} = await this.#source.state();
				if (epoch !== cursor.epoch) {
					cursor = {epoch, xid: '0', id: 0};
					this.#cursor = cursor;
					this.#told.clear();
					after = cursor;
					this.#listener.replaced(epoch);
					continue;
				}
			}
			const fresh = rows.map(({message}) => message).filter(message => this.#isNew(message, cursor));
			for (const {id, xid} of fresh) this.#told.set(id, xid);
			if (!silent && fresh.length > 0) this.#listener.messages(fresh.sort((one, other) => one.id - other.id));
			// An unsettled row ends the cursor's way for this pass: a later page was read later, and may say otherwise.
			const open: number = contiguous ? rows.findIndex(({settled}) => !settled) : 0;
			contiguous &&= open === -1;
			const last = rows.at(open === -1 ? -1 : open - 1);
			if (last !== undefined && open !== 0) cursor = this.#settle(cursor, last.message, silent);
			const end = rows.at(-1);
			if (end === undefined || rows.length < this.#limit) break;
			after = {xid: end.message.xid, id: end.message.id};
			// Between two pages another database may have come under the same address.
			unverified = !silent;
		}
		if (silent) {
			this.#cursor = cursor;
			this.#listener.cursor(cursor);
		}
	}

	/** Before everything that may still be running; what is committed already after it is not told. */
	async #now(): Promise<Cursor> {
		const {epoch, horizon} = await this.#source.state();
		return {epoch, xid: horizon, id: 0};
	}

	#settle({epoch}: Cursor, {xid, id}: Position, silent: boolean): Cursor {
		const cursor = {epoch, xid, id};
		for (const [id, xid] of this.#told) if (!isBeyond({xid, id}, cursor)) this.#told.delete(id);
		if (!silent) {
			this.#cursor = cursor;
			this.#listener.cursor(cursor);
		}
		return cursor;
	}

	#isNew(message: Message, cursor: Position): boolean {
		return isBeyond(message, cursor) && !this.#told.has(message.id);
	}
}

function isBeyond(one: Position, other: Position): boolean {
	if (one.xid === other.xid) return one.id > other.id;
	return BigInt(one.xid) > BigInt(other.xid);
}
