import type {Cursor} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';

/** A position in the order in which the catch-up reads: by transaction, then by id. */
export type Position = Pick<Cursor, 'xid' | 'id'>;

/**
 * A row that was seen: its position and when it was written, in milliseconds since 1970. Another history may have a row at the
 * same position, but not with the same time. None of the three ever changes, not even by redaction.
 */
export interface Anchor extends Position {
	readonly at: number;
}

/** A row of `messages_since`. Settled: every transaction that could commit a row before it has ended. */
export interface Row {
	readonly message: Message;
	readonly settled: boolean;
	/** The epoch of the database that it was read from, where it came with its page. */
	readonly epoch?: string | undefined;
}

export function anchorOf({xid, id, created_at}: Pick<Message, 'xid' | 'id' | 'created_at'>): Anchor {
	return {xid, id, at: Date.parse(created_at)};
}

export function isSame(one: Anchor | undefined, other: Anchor): boolean {
	return one?.id === other.id && one.xid === other.xid && one.at === other.at;
}

export function isBeyond(one: Position, other: Position): boolean {
	if (one.xid === other.xid) return one.id > other.id;
	return BigInt(one.xid) > BigInt(other.xid);
}
