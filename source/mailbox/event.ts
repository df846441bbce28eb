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
	/**
	 * Another database has come under the same address (a backup was put back, for example): nothing that was told holds any
	 * more, ids mean other messages, and all of this one are told from the first.
	 */
	| {readonly type: 'replaced'; readonly epoch: string}
	/** Comes after the messages it covers: a later subscription from here misses nothing. */
	| {readonly type: 'cursor'; readonly cursor: Cursor}
	| {readonly type: 'tasks'; readonly tasks: readonly Task[]}
	| {readonly type: 'agents'; readonly agents: readonly Agent[]}
	| {readonly type: 'receipts'; readonly receipts: readonly Receipt[]};

export type Unsubscribe = () => void;
