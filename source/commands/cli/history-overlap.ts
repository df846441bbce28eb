import {isBeyond} from '../../gateway/rest/position.ts';
import type {Cursor} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';

/**
 * Keeps a message that was read from the history from being shown again when it arrives live. It remembers only messages beyond
 * the cursor, because no others can arrive live.
 */
export class HistoryOverlap {
	/** Id to transaction. */
	readonly #shown = new Map<number, string>();
	#cursor: Cursor | null = null;

	get size(): number {
		return this.#shown.size;
	}

	/** Records `history` as shown, and returns those of `waiting`, which arrived live in the meantime, that are not in it. */
	show(history: readonly Message[], waiting: readonly Message[]): Message[] {
		for (const {id, xid} of history) this.#shown.set(id, xid);
		const fresh = this.fresh(waiting);
		this.#forgetPassed();
		return fresh;
	}

	/** Those that were not shown yet. Each message arrives live once, so it is forgotten after the first question. */
	fresh(live: readonly Message[]): Message[] {
		return live.filter(({id}) => !this.#shown.delete(id));
	}

	/** Moves the cursor: no message at or before it arrives any more. */
	pass(cursor: Cursor): void {
		this.#cursor = cursor;
		this.#forgetPassed();
	}

	/** Forgets everything, because the history was replaced. */
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
