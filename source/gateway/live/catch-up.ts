import type {Cursor, Replaced} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';
import {coalesce} from './coalesce.ts';
import {anchorOf, isBeyond, isSame, type Anchor, type Position, type Row} from '../rest/position.ts';
import {Trail} from './trail.ts';

/** Where the catch-up reads from. */
export interface Source {
	/** The epoch of the database. */
	epoch(): Promise<string>;
	/** The present: the newest settled row. */
	cursor(): Promise<Cursor>;
	/**
	 * The rows after a position, in order; fewer than `limit` only when there are no more. With `verify`, they have the epoch if the
	 * database can tell it in the same response.
	 */
	page(after: Position, limit: number, verify?: boolean): Promise<readonly Row[]>;
	/** A sample of the rows up to and including that one, oldest first: all of the nearest, and fewer the older they are. */
	before(anchor: Anchor): Promise<readonly Anchor[]>;
}

/** Receives what was read. A cursor comes after all messages at or before it. */
export interface Listener {
	messages(messages: readonly Message[]): void;
	cursor(cursor: Cursor): void;
	/** The starting point is known. Messages read up to then are not emitted; `id` is the highest of them. */
	began(id: number): void;
	/** The history was replaced. The messages after the common part come next, except those that were already emitted. */
	replaced(replaced: Replaced): void;
}

/**
 * A row beyond the cursor that was emitted. It is due when an earlier page contained it: each later page that reaches its
 * position must contain it, too. A row that came with a doorbell may not be readable yet, so it becomes due one pass later.
 */
interface Emitted extends Anchor {
	readonly due: boolean;
}

/** A page of the same history as the pages before it. */
interface Page {
	readonly rows: readonly Row[];
	readonly isLast: boolean;
	readonly epoch: string | undefined;
}

const pageSize = 500;

/**
 * Emits every committed message exactly once, even when doorbells or responses are lost. Transactions commit out of order, so
 * reading "everything after the last message seen" would miss rows. Each pass therefore reads again from the cursor, emits
 * the rows that are new, and moves the cursor past the settled ones, before which no row can be committed any more.
 *
 * A database can lose its newest rows and keep its epoch: an older copy of its files was put back, or a standby took over. It
 * then gives their ids to other messages. So each page begins with the row at the cursor. If that row is missing or
 * different, the history was replaced.
 */
export class CatchUp {
	readonly #source: Source;
	readonly #listener: Listener;
	readonly #limit: number;
	/** Null until the first pass has found the starting point. */
	#cursor: Cursor | null;
	readonly #emitted = new Map<number, Emitted>();
	/** Rows up to the cursor. */
	readonly #trail = new Trail();
	/** Whether the trail contains rows from before the starting point. */
	#reachesBack = false;
	/** Messages of the former history, after the common part, that were emitted. If the new history has them, they are skipped. */
	readonly #former = new Map<number, Anchor>();
	/** The history was replaced, but this is not reported yet: the search for the common part is running or was interrupted. */
	#parting = false;
	/** The replacement was noticed here before the database changed its epoch. That change is then ignored. */
	#noticed = false;
	/** The next pass asks for the epoch. */
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
		const anchor = from === null ? null : anchorAt(from);
		if (anchor !== null) this.#trail.add([anchor]);
	}

	/** Whether the starting point is known. */
	get hasStart(): boolean {
		return this.#cursor !== null;
	}

	/**
	 * Resolves when a pass that began after this call has ended; rejects as the source does. One pass runs at a time; all calls
	 * during it share the next one. `verify` also asks for the epoch, which is needed after each reconnect; after a failure it
	 * is asked for anyway.
	 */
	run(verify: boolean): Promise<void> {
		this.#verify ||= verify;
		return this.#pass();
	}

	/** Emits a row that came with a doorbell, unless it was emitted before. Rows before it may be missing. */
	offer(message: Message): void {
		if (this.#cursor === null || this.#parting || !isBeyond(message, this.#cursor)) return;
		// A different row with this id belongs to another history; the pass that follows finds out.
		if (this.#emitted.has(message.id) || isSame(this.#former.get(message.id), anchorOf(message))) return;
		this.#emitted.set(message.id, {...anchorOf(message), due: false});
		this.#listener.messages([message]);
	}

	async #read(verify: boolean): Promise<void> {
		const silent = this.#cursor === null;
		let cursor = this.#cursor ?? (await this.#begin());
		const rung = [...this.#emitted.values()].filter(({due}) => !due);
		let unverified = verify && !silent;
		let after: Cursor = cursor;
		let contiguous = true;
		let replaced: Pick<Replaced, 'epoch' | 'common'> | null = null;
		for (;;) {
			const page = await this.#page(after, unverified);
			if (page === null && silent) {
				// Nothing was emitted yet, so this can start again from the present.
				cursor = await this.#begin();
				after = cursor;
				contiguous = true;
				continue;
			}
			let epoch = cursor.epoch;
			const parts = page === null || (this.#parting && replaced === null);
			const isKnown = !parts && page.epoch === cursor.epoch;
			// Asked after the page was read: if the epoch has changed, the page is discarded.
			if ((unverified && !isKnown) || parts) epoch = await this.#source.epoch();
			unverified = false;
			if (!parts && epoch !== cursor.epoch && this.#noticed) {
				this.#noticed = false;
				cursor = {...cursor, epoch};
				this.#cursor = cursor;
				this.#listener.cursor(cursor);
			}
			if (parts || epoch !== cursor.epoch) {
				this.#noticed = epoch === cursor.epoch;
				cursor = await this.#part(epoch);
				replaced = {epoch, common: cursor.id === 0 ? null : cursor.id};
				after = cursor;
				contiguous = true;
				continue;
			}
			const {rows, isLast} = page;
			const fresh = rows.map(({message}) => message).filter(message => this.#isNew(message, cursor));
			for (const {message} of rows) this.#emitted.set(message.id, {...anchorOf(message), due: true});
			if (replaced !== null) {
				this.#cursor = cursor;
				this.#parting = false;
				this.#listener.replaced({...replaced, fresh: fresh.length, more: !isLast});
				this.#listener.cursor(cursor);
				replaced = null;
			}
			if (!silent && fresh.length > 0) this.#listener.messages(fresh.sort((one, other) => one.id - other.id));
			// The cursor stops at the first unsettled row, even if later pages, which were read later, are settled.
			const open: number = contiguous ? rows.findIndex(({settled}) => !settled) : 0;
			contiguous &&= open === -1;
			const settled = open === -1 ? rows : rows.slice(0, open);
			if (settled.length > 0) cursor = this.#advance(cursor, settled, silent);
			const end = rows.at(-1);
			if (end === undefined || isLast) break;
			after = {epoch, ...anchorOf(end.message)};
		}
		// By now every page of this history was read.
		this.#former.clear();
		for (const each of rung) {
			if (this.#emitted.get(each.id) === each) this.#emitted.set(each.id, {...each, due: true});
		}
		if (silent) {
			this.#cursor = cursor;
			this.#listener.began(Math.max(cursor.id, ...this.#emitted.keys()));
			this.#listener.cursor(cursor);
		}
		await this.#reachBack(cursor);
	}

	/** Finds the starting point. Forgets what an earlier, failed pass had read: it may belong to another database. */
	async #begin(): Promise<Cursor> {
		this.#emitted.clear();
		const cursor = await this.#source.cursor();
		const anchor = anchorAt(cursor);
		this.#trail.cut(null);
		if (anchor !== null) this.#trail.add([anchor]);
		return cursor;
	}

	/** The rows after a position; null if the row at that position, or a row that must follow it, is missing. */
	async #page(after: Cursor, verify: boolean): Promise<Page | null> {
		const anchor = anchorAt(after);
		const limit = this.#limit + (anchor === null ? 0 : 1);
		const found = await this.#source.page(
			anchor === null ? after : {xid: anchor.xid, id: anchor.id - 1},
			limit,
			verify,
		);
		const isLast = found.length < limit;
		const [first] = found;
		if (anchor !== null && (first === undefined || !isSame(anchor, anchorOf(first.message)))) return null;
		const rows = anchor === null ? found : found.slice(1);
		const byId = new Map(rows.map(({message}) => [message.id, anchorOf(message)]));
		const end = rows.at(-1)?.message;
		const open = rows.findIndex(({settled}) => !settled);
		const settled = rows.at(open === -1 ? -1 : open - 1)?.message;
		const isDue = (each: Emitted): boolean =>
			// Before a settled row, no transaction is running any more.
			(settled !== undefined && open !== 0 && !isBeyond(each, settled)) ||
			(each.due && (isLast || end === undefined || !isBeyond(each, end)));
		const isMissing = (each: Emitted): boolean =>
			isBeyond(each, after) && isDue(each) && !isSame(byId.get(each.id), each);
		const isOther = ({message}: Row): boolean => {
			const known = this.#emitted.get(message.id);
			return known !== undefined && !isSame(known, anchorOf(message));
		};
		return [...this.#emitted.values()].some(isMissing) || rows.some(isOther)
			? null
			: {rows, isLast, epoch: first?.epoch};
	}

	/** Finds the newest row that both histories have, and goes back to it. */
	async #part(epoch: string): Promise<Cursor> {
		this.#parting = true;
		const {common, lost} = await this.#trail.part(async anchor => {
			const [row] = await this.#source.page({xid: anchor.xid, id: anchor.id - 1}, 1);
			return row !== undefined && isSame(anchor, anchorOf(row.message));
		});
		this.#trail.cut(common);
		for (const anchor of [...lost, ...this.#emitted.values()]) this.#former.set(anchor.id, anchor);
		this.#emitted.clear();
		return {epoch, ...(common ?? {xid: '0', id: 0})};
	}

	/** Moves the cursor past settled rows. */
	#advance({epoch}: Cursor, rows: readonly Row[], silent: boolean): Cursor {
		const anchors = rows.map(({message}) => anchorOf(message));
		this.#trail.add(anchors);
		const cursor = {epoch, ...(anchors.at(-1) ?? {xid: '0', id: 0})};
		for (const each of this.#emitted.values()) if (!isBeyond(each, cursor)) this.#emitted.delete(each.id);
		if (!silent) {
			this.#cursor = cursor;
			this.#listener.cursor(cursor);
		}
		return cursor;
	}

	/** Reads the rows before the starting point, once: the common part with another history may end there. */
	async #reachBack(cursor: Cursor): Promise<void> {
		const anchor = anchorAt(cursor);
		if (this.#reachesBack || anchor === null) return;
		const anchors = await this.#source.before(anchor);
		// If the cursor's row is missing, the response comes from another history.
		if (!isSame(anchors.at(-1), anchor)) return;
		this.#trail.addBefore(anchors);
		this.#reachesBack = true;
	}

	#isNew(message: Message, cursor: Position): boolean {
		if (!isBeyond(message, cursor) || this.#emitted.has(message.id)) return false;
		return !isSame(this.#former.get(message.id), anchorOf(message));
	}
}

/** The row at a cursor; null at the beginning, and for a cursor of an earlier version, which does not name its row. */
function anchorAt({xid, id, at}: Cursor): Anchor | null {
	return at === undefined ? null : {xid, id, at};
}
