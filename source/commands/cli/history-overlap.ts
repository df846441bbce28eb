import {isBeyond} from '../../gateway/trail.ts';
import type {Cursor} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';

/** What was read from the history and may come live as well: only what lies beyond the cursor, which takes it along when it moves. */
export class HistoryOverlap {
	/** Id to transaction. */
	readonly #shown = new Map<number, string>();
	#cursor: Cursor | null = null;

	get size(): number {
		return this.#shown.size;
	}

	/** These were shown from the history; `waiting` came live meanwhile. Returns what of that was not. */
	show(history: readonly Message[], waiting: readonly Message[]): Message[] {
		for (const {id, xid} of history) this.#shown.set(id, xid);
		const fresh = this.fresh(waiting);
		this.#forgetPassed();
		return fresh;
	}

	/** What of this was not shown. Each message comes live once, so each is asked for once. */
	fresh(live: readonly Message[]): Message[] {
		return live.filter(({id}) => !this.#shown.delete(id));
	}

	/** Nothing at or before it comes any more. */
	pass(cursor: Cursor): void {
		this.#cursor = cursor;
		this.#forgetPassed();
	}

	/** Another history came. */
	clear(): void {
		this.#cursor = null;
		this.#shown.clear();
	}

	#forgetPassed(): void {
		const cursor = this.#cursor;
		if (cursor === null) return;
		for (const [id, xid] of this.#shown) if (!isBeyond({id, xid}, cursor)) this.#shown.delete(id);
	}
}
