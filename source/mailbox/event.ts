import type {Agent} from './agent.ts';
import type {Message} from './message.ts';
import type {Receipt} from './receipt.ts';
import type {Task} from './task.ts';

/** Where the catch-up stands: everything at or before it has been shown. Decimal strings compare as numbers. */
export interface Cursor {
	/** The mailbox's identity; another one means another database, and a start from nothing. */
	readonly epoch: string;
	readonly xid: string;
	readonly id: number;
	/**
	 * When the row at this place was written, in milliseconds since 1970: how another history is noticed that has another row here,
	 * or none. Absent where no row is known: at the beginning, and in cursors of earlier versions.
	 */
	readonly at?: number;
}

/**
 * Another history has come under the same address: a backup or an older copy was put back, or a server took over that lacks
 * what was written last. What was told behind `common` may be gone, and its ids may mean other messages.
 */
export interface Replaced {
	/** Which history it says it is: another epoch, or the same one where nobody but the reader could notice. */
	readonly epoch: string;
	/** The id of the newest message that both have, as far as it is known; null: none, and all of this one are told. */
	readonly common: number | null;
	/** So many messages behind it are new; more when `more`. They come now. */
	readonly fresh: number;
	readonly more: boolean;
}

/** One sentence for whoever reads along; it fits into the status line of 80 columns. */
export function replacedText({common, fresh, more}: Omit<Replaced, 'epoch'>): string {
	const count = more ? `more than ${fresh}` : fresh === 0 ? 'no' : String(fresh);
	const noun = more || fresh !== 1 ? 'messages' : 'message';
	const what = common === null ? `nothing in common, ${count} ${noun}` : `${count} new ${noun} after #${common}`;
	return `History was replaced: ${what} (restore or failover).`;
}

export type Connection =
	| {readonly phase: 'connecting'}
	| {readonly phase: 'catching_up'}
	| {readonly phase: 'live'}
	/** `retry_at`: milliseconds since 1970, when the next attempt is made. `reason`: one sentence. */
	| {readonly phase: 'offline'; readonly retry_at: number; readonly reason: string};

/** What a subscriber hears, in the order it became known. Each committed message comes exactly once. */
export type MailboxEvent =
	| {readonly type: 'connection'; readonly connection: Connection}
	| {readonly type: 'messages'; readonly messages: readonly Message[]}
	/**
	 * Messages whose text was taken out: these rows stand in the place of those that were told before. The newest of them
	 * come again after each (re)connect.
	 */
	| {readonly type: 'redacted'; readonly messages: readonly Message[]}
	| ({readonly type: 'replaced'} & Replaced)
	/** Comes after the messages it covers: a later subscription from here misses nothing. */
	| {readonly type: 'cursor'; readonly cursor: Cursor}
	| {readonly type: 'tasks'; readonly tasks: readonly Task[]}
	| {readonly type: 'agents'; readonly agents: readonly Agent[]}
	| {readonly type: 'receipts'; readonly receipts: readonly Receipt[]};

/** A statement keeps the database from answering. `since`: milliseconds since 1970. */
export interface Busy {
	readonly who: string;
	readonly since: number;
}

export type Unsubscribe = () => void;
