import type {Agent, Identity} from '../mailbox/agent.ts';
import type {Connection} from '../mailbox/event.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {Channel} from '../mailbox/query.ts';
import type {Receipt} from '../mailbox/receipt.ts';
import type {Task} from '../mailbox/task.ts';

/** A message that was sent from here and whose row has not come back yet. */
export interface Pending {
	readonly draft: Draft & {readonly client_id: string};
	readonly since: number;
	/** One sentence when it could not be sent; null while it is under way. */
	readonly failure: string | null;
}

/** Everything that the screen shows, whoever draws it. Changed only by the reducer; never mutated. */
export interface State {
	readonly identity: Identity | null;
	readonly connection: Connection;
	/** By id, ascending, without repeats: a window of history, bounded (older rows are paged from the mailbox). */
	readonly messages: readonly Message[];
	/** Folded tag to channel: every tag that is known, also those whose messages lie outside of the window. */
	readonly channels: ReadonlyMap<string, Channel>;
	readonly pending: readonly Pending[];
	readonly tasks: ReadonlyMap<number, Task>;
	/** Folded tag to agent. */
	readonly agents: ReadonlyMap<string, Agent>;
	/** Message id to its receipts. */
	readonly receipts: ReadonlyMap<number, readonly Receipt[]>;
}
