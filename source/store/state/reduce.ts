import type {Agent, Identity} from '../mailbox/agent.ts';
import type {Busy, Connection, MailboxEvent, RemovedRow} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';
import type {Channel} from '../mailbox/query.ts';
import type {Receipt} from '../mailbox/receipt.ts';
import {foldTag} from '../mailbox/tag.ts';
import type {Task} from '../mailbox/task.ts';
import {withChannels, withChannelsOf} from './channels.ts';
import {belongs, threadOf, type FeedId} from './feed.ts';
import {mergeById} from './ordered.ts';
import {bounded, emptyScrollback, released, withNewer, withOlder, type Scrollback} from './scrollback.ts';
import type {Receipts} from './receipts.ts';
import {readAtStart, type SeenMarks} from './seen-marks.ts';
import {emptyState, type Pending, type State} from './state.ts';

/** A change of the state: an event of the mailbox, or something that this program did or read. */
export type Change =
	| MailboxEvent
	| {readonly type: 'identity'; readonly identity: Identity}
	| {readonly type: 'busy'; readonly busy: Busy | null}
	/** The first page of everything has been loaded. `kept`: up to where the human had read at an earlier start. */
	| {readonly type: 'loaded'; readonly epoch?: string | null; readonly kept?: SeenMarks | null}
	| {readonly type: 'channels'; readonly channels: readonly Channel[]}
	/** The newest page of everything. `complete`: there is nothing older. */
	| {readonly type: 'recent'; readonly messages: readonly Message[]; readonly complete: boolean}
	/** A page of a feed before `before`, where its scrollback begins: everything from `lower` on, which is 0 at the beginning. */
	| {
			readonly type: 'older';
			readonly feed: FeedId;
			readonly before: number;
			readonly messages: readonly Message[];
			readonly lower: number;
	  }
	/** A page of a feed from `from` on, where its scrollback ends: everything below `reaches`. */
	| {
			readonly type: 'newer';
			readonly feed: FeedId;
			readonly from: number;
			readonly messages: readonly Message[];
			readonly reaches: number;
	  }
	/** Another part of a feed's history, which replaces its scrollback: all ids from `lower` to below `upper`. */
	| {
			readonly type: 'elsewhere';
			readonly feed: FeedId;
			readonly messages: readonly Message[];
			readonly lower: number;
			readonly upper: number;
			readonly around: number;
	  }
	/** The human scrolled back in a feed, with this id at the bottom edge. Null: it follows the newest message again. */
	| {readonly type: 'look'; readonly feed: FeedId; readonly around: number | null}
	| {readonly type: 'sending'; readonly pending: Pending}
	| {
			readonly type: 'unsent';
			readonly client_id: string;
			readonly phase: Pending['phase'];
			readonly failure: string | null;
	  }
	| {readonly type: 'withdrawn'; readonly client_id: string}
	| {readonly type: 'seen'; readonly feed: FeedId; readonly id: number}
	/** Forget the oldest messages beyond this many. */
	| {readonly type: 'trim'; readonly keep: number};

/** The state after a change; the same object when nothing changed. Pure. */
export function reduce(state: State, change: Change): State {
	switch (change.type) {
		case 'cursor':
			// After a history was replaced, the database may get its new epoch later.
			return state.epoch === null || state.epoch === change.cursor.epoch
				? state
				: {...state, epoch: change.cursor.epoch};
		case 'replaced': {
			const {identity, connection, busy, trouble} = state;
			const {epoch, common, fresh, more} = change;
			const pending = state.pending.map(each => withoutLostParent(each, common ?? 0));
			return {...emptyState, identity, connection, busy, trouble, pending, replaced: {epoch, common, fresh, more}};
		}
		case 'connection':
			return {...state, connection: change.connection, trouble: troubleAfter(state.trouble, change.connection)};
		case 'busy':
			return {...state, busy: change.busy};
		case 'identity':
			return {...state, identity: change.identity};
		case 'loaded':
			return {
				...state,
				loaded: true,
				epoch: change.epoch ?? null,
				...readAtStart(change.kept ?? null, change.epoch ?? null, state.messages.at(-1)?.id ?? 0),
			};
		case 'messages':
			return withMessages(state, change.messages);
		case 'redacted':
			return withRedacted(state, change.messages);
		case 'recent':
			return withRecent(state, change.messages, change.complete);
		case 'older':
		case 'newer':
		case 'elsewhere':
			return withPage(state, change);
		case 'look':
			return withLook(state, change.feed, change.around);
		case 'channels':
			return withChannels(state, change.channels);
		case 'tasks':
			return {...state, tasks: withTasks(state.tasks, change.tasks)};
		case 'agents':
			return {...state, agents: withAgents(change.complete === true ? new Map() : state.agents, change.agents)};
		case 'receipts':
			return withReceipts(state, change.receipts);
		case 'removed':
			return withoutRow(state, change.row);
		case 'sending':
			return {...state, pending: [...without(state.pending, change.pending.draft.client_id), change.pending]};
		case 'unsent':
			return {
				...state,
				pending: state.pending.map(pending =>
					pending.draft.client_id === change.client_id
						? {...pending, phase: change.phase, failure: change.failure}
						: pending,
				),
			};
		case 'withdrawn':
			return {...state, pending: without(state.pending, change.client_id)};
		case 'seen':
			return withSeen(state, change.feed, change.id);
		case 'trim':
			return trimmed(state, change.keep);
	}
}

/** The reason stays visible during the next attempt to connect. */
function troubleAfter(trouble: string | null, connection: Connection): string | null {
	if (connection.phase === 'offline') return connection.reason;
	return connection.phase === 'live' ? null : trouble;
}

/** A draft that replies to a message which was lost or replaced is no longer a reply. */
function withoutLostParent(pending: Pending, common: number): Pending {
	const {reply_to, ...draft} = pending.draft;
	return (reply_to ?? 0) > common ? {...pending, draft} : pending;
}

function without(pending: readonly Pending[], clientId: string): readonly Pending[] {
	return pending.filter(({draft}) => draft.client_id !== clientId);
}

function withMessages(state: State, incoming: readonly Message[]): State {
	const late = state.from === 0 ? none : incoming.filter(({id}) => id < state.from);
	const fresh = late.length === 0 ? incoming : incoming.filter(({id}) => id >= state.from);
	const messages = mergeById(state.messages, fresh);
	const scrollbacks = withLate(state, late);
	const returned = new Set(incoming.map(({client_id}) => client_id));
	const pending = state.pending.some(({draft}) => returned.has(draft.client_id))
		? state.pending.filter(({draft}) => !returned.has(draft.client_id))
		: state.pending;
	if (messages === state.messages && pending === state.pending && scrollbacks === state.scrollbacks) return state;
	return withChannelsOf({...state, messages, scrollbacks, pending}, incoming);
}

/** Replaces the loaded rows of redacted messages. */
function withRedacted(state: State, redacted: readonly Message[]): State {
	const byId = new Map(redacted.map(message => [message.id, message]));
	const replaced = (messages: readonly Message[]): readonly Message[] => {
		const isStale = ({id, content}: Message): boolean => (byId.get(id)?.content ?? content) !== content;
		return messages.some(isStale) ? messages.map(message => byId.get(message.id) ?? message) : messages;
	};
	const messages = replaced(state.messages);
	const scrollbacks = changedPasts(state, scrollback => {
		const inScrollback = replaced(scrollback.messages);
		return inScrollback === scrollback.messages ? scrollback : {...scrollback, messages: inScrollback};
	});
	return messages === state.messages && scrollbacks === state.scrollbacks ? state : {...state, messages, scrollbacks};
}

const none: readonly Message[] = [];

/** Ids commit out of order: a late message that is older than the window goes into the scrollbacks that cover its id. */
function withLate(state: State, late: readonly Message[]): State['scrollbacks'] {
	if (late.length === 0) return state.scrollbacks;
	return changedPasts(state, (scrollback, feed) => {
		const messages = mergeById(
			scrollback.messages,
			late.filter(
				message =>
					message.id >= scrollback.lower && message.id < scrollback.upper && belongs(state.identity, feed, message),
			),
		);
		return messages === scrollback.messages ? scrollback : bounded({...scrollback, messages}, threadOf(feed) !== null);
	});
}

function changedPasts(
	state: State,
	change: (scrollback: Scrollback, feed: FeedId) => Scrollback,
): State['scrollbacks'] {
	let next: Map<FeedId, Scrollback> | undefined;
	for (const [feed, scrollback] of state.scrollbacks) {
		const changed = change(scrollback, feed);
		if (changed !== scrollback) (next ??= new Map(state.scrollbacks)).set(feed, changed);
	}
	return next ?? state.scrollbacks;
}

function withRecent(state: State, page: readonly Message[], complete: boolean): State {
	const merged = withMessages(state, page);
	const from = complete ? 0 : (page[0]?.id ?? 0);
	return {...merged, from, messages: merged.messages.filter(({id}) => id >= from)};
}

/** If the scrollback has changed since a page was requested, the page is ignored and will be requested again. */
function withPage(state: State, change: Extract<Change, {type: 'older' | 'newer' | 'elsewhere'}>): State {
	const isThread = threadOf(change.feed) !== null;
	const scrollback = state.scrollbacks.get(change.feed);
	const put = (next: Scrollback): State => ({...state, scrollbacks: new Map(state.scrollbacks).set(change.feed, next)});
	switch (change.type) {
		case 'older':
			if (scrollback?.lower !== change.before) return state;
			return put(withOlder(scrollback, change.messages, change.lower, isThread));
		case 'newer':
			if (scrollback?.upper !== change.from) return state;
			return put(withNewer(scrollback, change.messages, Math.min(change.reaches, state.from), isThread));
		case 'elsewhere': {
			const upper = Math.min(change.upper, state.from);
			const messages = change.messages.filter(({id}) => id < upper);
			return put({messages, lower: Math.min(change.lower, upper), upper, around: change.around});
		}
	}
}

/** The maximum number of scrollbacks. Beyond it, those that have not been looked at for the longest time are dropped. */
const maxScrollbacks = 12;

function withLook(state: State, feed: FeedId, around: number | null): State {
	const scrollback = state.scrollbacks.get(feed);
	if (scrollback === undefined ? around === null : scrollback.around === around) return state;
	const next = scrollback ?? emptyScrollback(state.from);
	const kept = around === null ? released(next, state.from) : {...next, around};
	if (kept === scrollback) return state;
	const scrollbacks = new Map(state.scrollbacks);
	scrollbacks.delete(feed);
	if (kept !== null) scrollbacks.set(feed, kept);
	for (const [oldest] of scrollbacks) {
		if (scrollbacks.size <= maxScrollbacks) break;
		scrollbacks.delete(oldest);
	}
	return {...state, scrollbacks};
}

/** The maximum number of milliseconds by which a row that was read can be older than an event that overtook it. */
const overtaking = 10_000;

/** Whether a row was read before the known one. If it is much older, the server's clock was set back, and the row is newer. */
function isOvertaken({updated_at}: Task, known: Task): boolean {
	const behind = Date.parse(known.updated_at) - Date.parse(updated_at);
	return behind > 0 && behind < overtaking;
}

/** The maximum number of tasks. Beyond it, finished tasks are forgotten, oldest change first. */
const maxTasks = 1000;

function withTasks(tasks: State['tasks'], incoming: readonly Task[]): State['tasks'] {
	const next = new Map(tasks);
	for (const task of incoming) {
		const known = next.get(task.id);
		if (known === undefined || !isOvertaken(task, known)) next.set(task.id, task);
	}
	if (next.size <= maxTasks) return next;
	const over = [...next.values()]
		.filter(({status}) => status !== 'queued' && status !== 'running')
		.sort((one, other) => (one.updated_at < other.updated_at ? -1 : 1))
		.slice(0, next.size - maxTasks);
	for (const {id} of over) next.delete(id);
	return next;
}

function withAgents(agents: State['agents'], incoming: readonly Agent[]): State['agents'] {
	const next = new Map(agents);
	for (const agent of incoming) next.set(foldTag(agent.tag), agent);
	return next;
}

function withoutRow(state: State, row: RemovedRow): State {
	if (row.table === 'receipts') return {...state, receipts: state.receipts.without(row)};
	if (row.table === 'agents') return {...state, agents: withoutKey(state.agents, foldTag(row.tag))};
	return {...state, tasks: withoutKey(state.tasks, row.id)};
}

function withoutKey<Key, Value>(known: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
	const next = new Map(known);
	next.delete(key);
	return next;
}

/** How many messages that are not loaded may have receipts: search results, and messages acked long after they left the window. */
const maxOtherReceipts = 1000;

function withReceipts(state: State, incoming: readonly Receipt[]): State {
	if (incoming.length === 0) return state;
	const next = state.receipts.with(incoming);
	const receipts = next.size > loadedCount(state) + maxOtherReceipts ? loadedOnly(next, state) : next;
	return {...state, receipts};
}

/** The number of loaded messages: the window and all scrollbacks (twice, if in two of them). */
export function loadedCount({messages, scrollbacks}: Pick<State, 'messages' | 'scrollbacks'>): number {
	return [...scrollbacks.values()].reduce((count, scrollback) => count + scrollback.messages.length, messages.length);
}

function loadedOnly(receipts: Receipts, {from, scrollbacks}: Pick<State, 'from' | 'scrollbacks'>): Receipts {
	const scrollback = new Set([...scrollbacks.values()].flatMap(({messages}) => messages.map(({id}) => id)));
	return receipts.of(id => id >= from || scrollback.has(id));
}

function withSeen(state: State, feed: FeedId, id: number): State {
	const key = foldTag(feed);
	if (id <= Math.max(state.seen_from, state.seen.get(key) ?? 0)) return state;
	return {...state, seen: new Map(state.seen).set(key, id)};
}

/** Removes the oldest messages from the window. They stay in the scrollbacks that end at the window. */
function trimmed(state: State, keep: number): State {
	if (state.messages.length <= keep) return state;
	const messages = state.messages.slice(-keep);
	const dropped = state.messages.slice(0, -keep);
	const from = messages[0]?.id ?? state.from;
	const scrollbacks = changedPasts(state, (scrollback, feed) => {
		if (scrollback.upper !== state.from) return scrollback;
		const own = dropped.filter(message => belongs(state.identity, feed, message));
		return bounded({...scrollback, messages: [...scrollback.messages, ...own], upper: from}, threadOf(feed) !== null);
	});
	return {...state, messages, from, scrollbacks, receipts: loadedOnly(state.receipts, {from, scrollbacks})};
}
