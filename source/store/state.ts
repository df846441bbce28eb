import type {Agent, Identity} from '../mailbox/agent.ts';
import type {Busy, Connection, Replaced} from '../mailbox/event.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {Channel} from '../mailbox/query.ts';
import type {FoldedTag} from '../mailbox/tag.ts';
import type {Task} from '../mailbox/task.ts';
import type {FeedId} from './feed.ts';
import type {Scrollback} from './scrollback.ts';
import {Receipts} from './receipts.ts';

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

/** A channel, and whether its tag was only addressed since the start, as far as this program knows. */
export interface ListedChannel extends Channel {
	readonly addressedOnly?: boolean;
}

/** Everything that the screen shows, whoever draws it. Changed only by the reducer; never mutated. */
export interface State {
	readonly identity: Identity | null;
	readonly connection: Connection;
	/** The statement that requests wait for. */
	readonly busy: Busy | null;
	/** Why the connection is gone, in one sentence; null once it is live again. */
	readonly trouble: string | null;
	/** Of the database whose ids these are; null until it is known. */
	readonly epoch: string | null;
	/** How this history came in the place of another; null: it is the one that was there from the start. */
	readonly replaced: Replaced | null;
	/** The first page of everything has been read. */
	readonly loaded: boolean;
	/** The window: the newest messages by id, ascending, without repeats and without gaps, bounded. */
	readonly messages: readonly Message[];
	/** The window holds every message from this id on; 0: it holds all of history. */
	readonly from: number;
	/** What was read back of a feed, older than the window; of those that were looked at last. */
	readonly scrollbacks: ReadonlyMap<FeedId, Scrollback>;
	/** Folded tag to channel, also of tags whose messages lie outside of the window; of those that were only addressed the newest. */
	readonly channels: ReadonlyMap<FoldedTag, ListedChannel>;
	/** Folded tags that were addressed and have no channel: nobody has joined or written as them, and there are too many. */
	readonly unlisted: ReadonlySet<FoldedTag>;
	readonly pending: readonly Pending[];
	readonly tasks: ReadonlyMap<number, Task>;
	/** Folded tag to agent. */
	readonly agents: ReadonlyMap<FoldedTag, Agent>;
	readonly receipts: Receipts;
	/** Messages up to this id do not count as unread in any channel: they stood there when it was opened first. */
	readonly seen_from: number;
	/** To the newest id of the feed that was looked at. */
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
	receipts: Receipts.none,
	seen_from: 0,
	seen: new Map(),
};
