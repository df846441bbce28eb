import type {Agent} from './agent.ts';
import type {Message} from './message.ts';
import type {Receipt} from './receipt.ts';
import type {Tag} from './tag.ts';
import type {Task} from './task.ts';

/** The position of the catch-up: everything at or before it has been shown. `xid` is a decimal number. */
export interface Cursor {
	/** The history that it belongs to. If the mailbox has another epoch, the cursor is not valid there. */
	readonly epoch: string;
	readonly xid: string;
	readonly id: number;
	/**
	 * When the row at this position was written, in milliseconds since 1970. A replaced history is detected by a different row, or
	 * none, at this position. Absent if no row is known: at the beginning, and in cursors of earlier versions.
	 */
	readonly at?: number;
}

/**
 * The history at this address was replaced: a backup or an older copy was restored, or a server that lacks the last messages took
 * over. Messages after `common` that were reported before may be gone, and their ids may belong to other messages.
 */
export interface Replaced {
	/** The epoch of the new history, which may be the same if only the reader could notice the change. */
	readonly epoch: string;
	/** The id of the newest message known to be in both; null if there is none, and the whole new history is reported. */
	readonly common: number | null;
	/** The number of new messages after `common`, which follow now; at least that many if `more` is set. */
	readonly fresh: number;
	readonly more: boolean;
}

/** One sentence, which fits into a status line of 80 columns. */
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

/**
 * What a subscription reports besides messages and the connection: everything; the row and the receipts of one agent, and all agents
 * at each refresh; or no more than redactions. Supabase charges each change once for each subscription that gets it, and a hub sends
 * it as often: an agent's turn changes its row twice, so a subscription of each agent to all others would grow with their square.
 */
export type About = 'everything' | {readonly agent: Tag} | 'messages';

/** The events of a subscription, in the order in which they became known. Each committed message is reported exactly once. */
export type MailboxEvent =
	| {readonly type: 'connection'; readonly connection: Connection}
	| {readonly type: 'messages'; readonly messages: readonly Message[]}
	/**
	 * Messages whose text was removed; these rows replace the ones reported before. The newest are reported again after each
	 * (re)connect.
	 */
	| {readonly type: 'redacted'; readonly messages: readonly Message[]}
	| ({readonly type: 'replaced'} & Replaced)
	/** Follows the messages that it covers: a later subscription from here misses nothing. */
	| {readonly type: 'cursor'; readonly cursor: Cursor}
	| {readonly type: 'tasks'; readonly tasks: readonly Task[]}
	/** `complete`: there are no others. */
	| {readonly type: 'agents'; readonly agents: readonly Agent[]; readonly complete?: true}
	| {readonly type: 'receipts'; readonly receipts: readonly Receipt[]}
	| {readonly type: 'removed'; readonly row: RemovedRow};

/** The key of a row that was deleted, such as that of an agent that was forgotten. */
export type RemovedRow =
	| ({readonly table: 'agents'} & Pick<Agent, 'tag'>)
	| ({readonly table: 'tasks'} & Pick<Task, 'id'>)
	| ({readonly table: 'receipts'} & Pick<Receipt, 'message_id' | 'reader'>);

/** A statement that keeps the database from answering. `since`: milliseconds since 1970. */
export interface Busy {
	readonly who: string;
	readonly since: number;
}

export type Unsubscribe = () => void;
