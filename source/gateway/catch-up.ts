import type {Cursor, Replaced} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';
import {coalesce} from './coalesce.ts';
import {anchorOf, isBeyond, isSame, Trail, type Anchor, type Position} from './trail.ts';

/** A row of `messages_since`. Settled: no transaction that could still commit a row before it is running. */
export interface Row {
	readonly message: Message;
	readonly settled: boolean;
}

/** Where the catch-up reads from. */
export interface Source {
	/** Which history it says it is. */
	epoch(): Promise<string>;
	/** The present: the newest settled row. */
	cursor(): Promise<Cursor>;
	/** The rows after a position, in order; fewer than `limit` only when there are no more. */
	page(after: Position, limit: number): Promise<readonly Row[]>;
	/** Some of the rows up to that one, and that one itself, oldest first: the nearest ones, and further away fewer and fewer. */
	before(anchor: Anchor): Promise<readonly Anchor[]>;
}

/** Whom it tells. A cursor comes after all messages at or before it. */
export interface Listener {
	messages(messages: readonly Message[]): void;
	cursor(cursor: Cursor): void;
	/** It is known where "now" is: no message is told that was read then; `id` is the highest of those. */
	began(id: number): void;
	/** This is another history; now comes what it has behind the common part and was not told. */
	replaced(replaced: Replaced): void;
}

/**
 * A row that was told beyond the cursor. Due: each page that reaches there must have it, since one had it before. A doorbell can
 * ring a moment before its row is there to be read, which is due one pass later.
 */
interface Told extends Anchor {
	readonly due: boolean;
}

/** A page that is of the same history as what was read before. */
interface Page {
	readonly rows: readonly Row[];
	readonly isLast: boolean;
}

const pageSize = 500;

/**
 * Tells every committed message exactly once, whatever was lost on the way. Ids and transactions commit out of order, so
 * "everything after the last one seen" loses rows: each pass reads again from the settled cursor, tells what is new, and
 * moves the cursor over the rows that nothing can slip in before any more.
 *
 * A database can lose its newest rows and go on under the same epoch: an older copy of its files was put back, or a standby
 * took over. Its numbers are then used once more for other messages. So each page begins with the row that the cursor stands
 * at: where that is another one or is missing, this is another history.
 */
export class CatchUp {
	readonly #source: Source;
	readonly #listener: Listener;
	readonly #limit: number;
	/** Null until the first pass has found out where "now" is. */
	#cursor: Cursor | null;
	readonly #told = new Map<number, Told>();
	/** Rows behind the cursor. */
	readonly #trail = new Trail();
	/** Whether the trail reaches back before the place where this began. */
	#reachesBack = false;
	/** What was told from the earlier history after the common part. Where the new one has it as well, it is not told again. */
	readonly #former = new Map<number, Anchor>();
	/** Another history was found and not reported yet: the search for where it parts still runs, or was interrupted. */
	#parting = false;
	/** It was noticed here before the database reported it. That report is then ignored. */
	#noticed = false;
	/** The next pass asks which history the database says it is. */
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

	/** Whether it is known where to read from. */
	get placed(): boolean {
		return this.#cursor !== null;
	}

	/**
	 * Resolves when a pass that began after this call has ended; rejects as the source does. One pass runs at a time, and
	 * however often this is called meanwhile, one more follows. `verify` also asks for the epoch, as must be done after each
	 * reconnect and is after each failure.
	 */
	run(verify: boolean): Promise<void> {
		this.#verify ||= verify;
		return this.#pass();
	}

	/** Tells a row that came with its doorbell, unless it was told before. Says nothing about the rows around it. */
	offer(message: Message): void {
		if (this.#cursor === null || this.#parting || !isBeyond(message, this.#cursor)) return;
		// Another row under its number is of another history, which the pass behind the doorbell finds.
		if (this.#told.has(message.id) || isSame(this.#former.get(message.id), anchorOf(message))) return;
		this.#told.set(message.id, {...anchorOf(message), due: false});
		this.#listener.messages([message]);
	}

	async #read(verify: boolean): Promise<void> {
		const silent = this.#cursor === null;
		let cursor = this.#cursor ?? (await this.#begin());
		const rung = [...this.#told.values()].filter(({due}) => !due);
		let unverified = verify && !silent;
		let after: Cursor = cursor;
		let contiguous = true;
		let replaced: Pick<Replaced, 'epoch' | 'common'> | null = null;
		for (;;) {
			const page = await this.#page(after);
			if (page === null && silent) {
				// Nothing was told yet: from the present of whichever history this is.
				cursor = await this.#begin();
				after = cursor;
				contiguous = true;
				continue;
			}
			let epoch = cursor.epoch;
			// Asked after the page was read: the page is of this history, or is thrown away.
			const parts = page === null || (this.#parting && replaced === null);
			if (unverified || parts) epoch = await this.#source.epoch();
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
			for (const {message} of rows) this.#told.set(message.id, {...anchorOf(message), due: true});
			if (replaced !== null) {
				this.#cursor = cursor;
				this.#parting = false;
				this.#listener.replaced({...replaced, fresh: fresh.length, more: !isLast});
				this.#listener.cursor(cursor);
				replaced = null;
			}
			if (!silent && fresh.length > 0) this.#listener.messages(fresh.sort((one, other) => one.id - other.id));
			// An unsettled row ends the cursor's way for this pass: a later page was read later, and may say otherwise.
			const open: number = contiguous ? rows.findIndex(({settled}) => !settled) : 0;
			contiguous &&= open === -1;
			const settled = open === -1 ? rows : rows.slice(0, open);
			if (settled.length > 0) cursor = this.#settle(cursor, settled, silent);
			const end = rows.at(-1);
			if (end === undefined || isLast) break;
			after = {epoch, ...anchorOf(end.message)};
		}
		// What this history has of the one before was seen by now.
		this.#former.clear();
		for (const told of rung) if (this.#told.get(told.id) === told) this.#told.set(told.id, {...told, due: true});
		if (silent) {
			this.#cursor = cursor;
			this.#listener.began(Math.max(cursor.id, ...this.#told.keys()));
			this.#listener.cursor(cursor);
		}
		await this.#reachBack(cursor);
	}

	/** Where "now" is. What a pass before had seen that failed may have been of another database. */
	async #begin(): Promise<Cursor> {
		this.#told.clear();
		const cursor = await this.#source.cursor();
		const anchor = anchorAt(cursor);
		this.#trail.cut(null);
		if (anchor !== null) this.#trail.add([anchor]);
		return cursor;
	}

	/** The rows after a place; null when the row at that place, or one that was read behind it, is not there. */
	async #page(after: Cursor): Promise<Page | null> {
		const anchor = anchorAt(after);
		const limit = this.#limit + (anchor === null ? 0 : 1);
		const found = await this.#source.page(anchor === null ? after : {xid: anchor.xid, id: anchor.id - 1}, limit);
		const isLast = found.length < limit;
		const [first] = found;
		if (anchor !== null && (first === undefined || !isSame(anchor, anchorOf(first.message)))) return null;
		const rows = anchor === null ? found : found.slice(1);
		const byId = new Map(rows.map(({message}) => [message.id, anchorOf(message)]));
		const end = rows.at(-1)?.message;
		const open = rows.findIndex(({settled}) => !settled);
		const settled = rows.at(open === -1 ? -1 : open - 1)?.message;
		const isDue = (told: Told): boolean =>
			// Nothing is under way any more before a settled row.
			(settled !== undefined && open !== 0 && !isBeyond(told, settled)) ||
			(told.due && (isLast || end === undefined || !isBeyond(told, end)));
		const isMissing = (told: Told): boolean => isBeyond(told, after) && isDue(told) && !isSame(byId.get(told.id), told);
		const isOther = ({message}: Row): boolean => {
			const told = this.#told.get(message.id);
			return told !== undefined && !isSame(told, anchorOf(message));
		};
		return [...this.#told.values()].some(isMissing) || rows.some(isOther) ? null : {rows, isLast};
	}

	/** Finds where another history parts from the one that was told, and goes back there. */
	async #part(epoch: string): Promise<Cursor> {
		this.#parting = true;
		const {common, lost} = await this.#trail.part(async anchor => {
			const [row] = await this.#source.page({xid: anchor.xid, id: anchor.id - 1}, 1);
			return row !== undefined && isSame(anchor, anchorOf(row.message));
		});
		this.#trail.cut(common);
		for (const anchor of [...lost, ...this.#told.values()]) this.#former.set(anchor.id, anchor);
		this.#told.clear();
		return {epoch, ...(common ?? {xid: '0', id: 0})};
	}

	#settle({epoch}: Cursor, rows: readonly Row[], silent: boolean): Cursor {
		const anchors = rows.map(({message}) => anchorOf(message));
		this.#trail.add(anchors);
		const cursor = {epoch, ...(anchors.at(-1) ?? {xid: '0', id: 0})};
		for (const told of this.#told.values()) if (!isBeyond(told, cursor)) this.#told.delete(told.id);
		if (!silent) {
			this.#cursor = cursor;
			this.#listener.cursor(cursor);
		}
		return cursor;
	}

	/** Once: what lies behind the place where this began, so that another history that parts even before it is placed, too. */
	async #reachBack(cursor: Cursor): Promise<void> {
		const anchor = anchorAt(cursor);
		if (this.#reachesBack || anchor === null) return;
		const anchors = await this.#source.before(anchor);
		// It is of the history that was read only where the cursor's row is.
		if (!isSame(anchors.at(-1), anchor)) return;
		this.#trail.addBefore(anchors);
		this.#reachesBack = true;
	}

	#isNew(message: Message, cursor: Position): boolean {
		if (!isBeyond(message, cursor) || this.#told.has(message.id)) return false;
		return !isSame(this.#former.get(message.id), anchorOf(message));
	}
}

/** The row at a cursor; null where there is none: at the beginning, or in a cursor of an earlier version. */
function anchorAt({xid, id, at}: Cursor): Anchor | null {
	return at === undefined ? null : {xid, id, at};
}
