import type {Agent, Identity} from '../mailbox/agent.ts';
import type {Connection} from '../mailbox/event.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {Channel} from '../mailbox/query.ts';
import type {Receipt} from '../mailbox/receipt.ts';
import type {Task} from '../mailbox/task.ts';

/** A message that was sent from here and whose row has not come back yet. */
export interface Pending {
	readonly draft: Draft & {readonly client_id: string};
	/** Milliseconds since 1970. */
	readonly since: number;
	/** `waiting`: could not be reached, is tried again by itself. `refused`: will not go by itself. */
	readonly phase: 'sending' | 'waiting' | 'refused';
	/** One sentence when it could not be sent; null while it is under way. */
	readonly failure: string | null;
}

/** Everything that the screen shows, whoever draws it. Changed only by the reducer; never mutated. */
export interface State {
	readonly identity: Identity | null;
	readonly connection: Connection;
	/** Why the connection is gone, in one sentence; null once it is live again. */
	readonly trouble: string | null;
	/** The first page of everything has been read. */
	readonly loaded: boolean;
	/** By id, ascending, without repeats: a window of history, bounded (older rows are paged from the mailbox). */
	readonly messages: readonly Message[];
	/** Folded tag to channel: every tag that is known, also those whose messages lie outside of the window. */
	readonly channels: ReadonlyMap<string, Channel>;
	/** Folded tags of which no older message exists than the window holds. */
	readonly complete: ReadonlySet<string>;
	/** Root id to the whole thread by id, for those that were opened; may lie outside of the window. */
	readonly threads: ReadonlyMap<number, readonly Message[]>;
	readonly pending: readonly Pending[];
	readonly tasks: ReadonlyMap<number, Task>;
	/** Folded tag to agent. */
	readonly agents: ReadonlyMap<string, Agent>;
	/** Message id to its receipts. */
	readonly receipts: ReadonlyMap<number, readonly Receipt[]>;
	/** Messages up to this id stood there when the mailbox was opened, and do not count as unread. */
	readonly seen_from: number;
	/** Folded tag to the newest id of its channel that was looked at. */
	readonly seen: ReadonlyMap<string, number>;
}

export const emptyState: State = {
	identity: null,
	connection: {phase: 'connecting'},
	trouble: null,
	loaded: false,
	messages: [],
	channels: new Map(),
	complete: new Set(),
	threads: new Map(),
	pending: [],
	tasks: new Map(),
	agents: new Map(),
	receipts: new Map(),
	seen_from: 0,
	seen: new Map(),
};
