import type {Agent, Identity} from '../../mailbox/agent.ts';
import type {Approval} from '../../mailbox/approval.ts';
import type {Busy, Connection, Replaced} from '../../mailbox/event.ts';
import type {Draft, Message} from '../../mailbox/message.ts';
import type {Channel} from '../../mailbox/query.ts';
import type {FoldedTag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import type {FeedId} from './feed.ts';
import type {Scrollback} from './scrollback.ts';
import {Receipts} from './receipts.ts';

/** A message that was written here, and whose row has not come back yet. */
export interface Pending {
	readonly draft: Draft & {readonly client_id: string};
	/** Milliseconds since 1970. */
	readonly since: number;
	/** `waiting`: the mailbox could not be reached; sent again automatically. `refused`: not sent again. */
	readonly phase: 'sending' | 'waiting' | 'refused';
	/** Why it could not be sent, in one sentence; null while it is being sent. */
	readonly failure: string | null;
}

/** A channel, and whether its tag is unknown: it was addressed, but never joined or wrote, as far as this program knows. */
export interface ListedChannel extends Channel {
	readonly addressedOnly?: boolean;
}

/** Everything about the mailbox that the screen shows. Changed only by the reducer; immutable. */
export interface State {
	readonly identity: Identity | null;
	readonly connection: Connection;
	/** The statement that requests are waiting for. */
	readonly busy: Busy | null;
	/** Why the connection was lost, in one sentence; null once it is live again. */
	readonly trouble: string | null;
	/** The epoch of the database that these ids belong to; null until it is known. */
	readonly epoch: string | null;
	/** How the history was replaced; null if it has not been since the start. */
	readonly replaced: Replaced | null;
	/** Whether the first page of everything has been loaded. */
	readonly loaded: boolean;
	/** The window: the newest messages by id, ascending, each once, without gaps, bounded. */
	readonly messages: readonly Message[];
	/** The window has every message from this id on; 0: it has all of history. */
	readonly from: number;
	/** The scrollbacks of the feeds that were looked at last. */
	readonly scrollbacks: ReadonlyMap<FeedId, Scrollback>;
	/** Folded tag to channel, also for tags without messages in the window; of unknown tags only the newest. */
	readonly channels: ReadonlyMap<FoldedTag, ListedChannel>;
	/** Folded unknown tags that were addressed, but have no channel because there are too many of them. */
	readonly unlisted: ReadonlySet<FoldedTag>;
	readonly pending: readonly Pending[];
	readonly tasks: ReadonlyMap<number, Task>;
	/** Folded tag to agent. */
	readonly agents: ReadonlyMap<FoldedTag, Agent>;
	/** Requests for permission that wait for a human, oldest first. */
	readonly approvals: readonly Approval[];
	readonly receipts: Receipts;
	/** Messages up to this id count as read in every feed: they existed at the first start. */
	readonly seen_from: number;
	/** Feed to the newest id in it that the human has seen. */
	readonly seen: ReadonlyMap<FeedId, number>;
}

export const emptyState: State = {
	identity: null,
	connection: {phase: 'connecting'},
	busy: null,
	trouble: null,
	epoch: null,
	replaced: null,
	loaded: false,
	messages: [],
	from: 0,
	scrollbacks: new Map(),
	channels: new Map(),
	unlisted: new Set(),
	pending: [],
	tasks: new Map(),
	agents: new Map(),
	approvals: [],
	receipts: Receipts.none,
	seen_from: 0,
	seen: new Map(),
};
