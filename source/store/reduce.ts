import type {Agent, Identity} from '../mailbox/agent.ts';
import type {Connection, MailboxEvent} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';
import type {Channel} from '../mailbox/query.ts';
import type {Receipt} from '../mailbox/receipt.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';
import type {Task} from '../mailbox/task.ts';
import {mergeById} from './ordered.ts';
import type {Pending, State} from './state.ts';

/** What changes the state: what the mailbox tells, and what was asked of it from here. */
export type Change =
	| MailboxEvent
	| {readonly type: 'identity'; readonly identity: Identity}
	/** The first page of everything has been read. */
	| {readonly type: 'loaded'}
	| {readonly type: 'channels'; readonly channels: readonly Channel[]}
	/** An older page of one channel, or of all (null). `complete`: there is nothing older. */
	| {
			readonly type: 'older';
			readonly channel: Tag | null;
			readonly messages: readonly Message[];
			readonly complete: boolean;
	  }
	| {readonly type: 'thread'; readonly root: number; readonly messages: readonly Message[]}
	| {readonly type: 'sending'; readonly pending: Pending}
	| {
			readonly type: 'unsent';
			readonly client_id: string;
			readonly phase: Pending['phase'];
			readonly failure: string | null;
	  }
	| {readonly type: 'withdrawn'; readonly client_id: string}
	| {readonly type: 'seen'; readonly channel: Tag; readonly id: number}
	/** Forget the oldest messages beyond this many. */
	| {readonly type: 'trim'; readonly keep: number};

/** The state after a change; the same object when nothing changed. Pure. */
export function reduce(state: State, change: Change): State {
	switch (change.type) {
		case 'cursor':
			return state;
		case 'connection':
			return {...state, connection: change.connection, trouble: troubleAfter(state.trouble, change.connection)};
		case 'identity':
			return {...state, identity: change.identity};
		case 'loaded':
			return {...state, loaded: true, seen_from: state.messages.at(-1)?.id ?? 0};
		case 'messages':
			return withMessages(state, change.messages);
		case 'older':
			return withOlder(state, change.channel, change.messages, change.complete);
		case 'thread':
			return {...state, threads: new Map(state.threads).set(change.root, mergeById([], change.messages))};
		case 'channels':
			return {...state, channels: withChannels(state.channels, change.channels)};
		case 'tasks':
			return {...state, tasks: withTasks(state.tasks, change.tasks)};
		case 'agents':
			return {...state, agents: withAgents(state.agents, change.agents)};
		case 'receipts':
			return {...state, receipts: withReceipts(state.receipts, change.receipts)};
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
			return withSeen(state, change.channel, change.id);
		case 'trim':
			return trimmed(state, change.keep);
	}
}

/** What is wrong stays said while the next attempt is made. */
function troubleAfter(trouble: string | null, connection: Connection): string | null {
	if (connection.phase === 'offline') return connection.reason;
	return connection.phase === 'live' ? null : trouble;
}

function without(pending: readonly Pending[], clientId: string): readonly Pending[] {
	return pending.filter(({draft}) => draft.client_id !== clientId);
}

function withMessages(state: State, incoming: readonly Message[]): State {
	const messages = mergeById(state.messages, incoming);
	const returned = new Set(incoming.map(({client_id}) => client_id));
	const pending = state.pending.some(({draft}) => returned.has(draft.client_id))
		? state.pending.filter(({draft}) => !returned.has(draft.client_id))
		: state.pending;
	if (messages === state.messages && pending === state.pending) return state;
	return {
		...state,
		messages,
		pending,
		channels: withChannels(state.channels, channelsOf(incoming)),
		threads: withReplies(state.threads, incoming),
	};
}

function withOlder(state: State, channel: Tag | null, messages: readonly Message[], complete: boolean): State {
	const merged = withMessages(state, messages);
	if (!complete || channel === null) return merged;
	return {...merged, complete: new Set(merged.complete).add(foldTag(channel))};
}

/** Open threads grow as replies come. */
function withReplies(threads: State['threads'], incoming: readonly Message[]): State['threads'] {
	let grown: Map<number, readonly Message[]> | undefined;
	for (const message of incoming) {
		const thread = (grown ?? threads).get(message.thread_id);
		if (thread === undefined) continue;
		grown ??= new Map(threads);
		grown.set(message.thread_id, mergeById(thread, [message]));
	}
	return grown ?? threads;
}

function channelsOf(messages: readonly Message[]): Channel[] {
	return messages.flatMap(({id, tag, mentions}) => [tag, ...mentions].map(name => ({tag: name, last_id: id})));
}

function withChannels(channels: State['channels'], incoming: readonly Channel[]): State['channels'] {
	let next: Map<string, Channel> | undefined;
	for (const {tag, last_id} of incoming) {
		const key = foldTag(tag);
		const known = (next ?? channels).get(key);
		if (known !== undefined && known.last_id >= last_id) continue;
		next ??= new Map(channels);
		next.set(key, {tag: known?.tag ?? tag, last_id});
	}
	return next ?? channels;
}

/** Finished tasks beyond this many are forgotten, oldest change first. */
const mostTasks = 1000;

function withTasks(tasks: State['tasks'], incoming: readonly Task[]): State['tasks'] {
	const next = new Map(tasks);
	for (const task of incoming) {
		const known = next.get(task.id);
		if (known === undefined || known.updated_at <= task.updated_at) next.set(task.id, task);
	}
	if (next.size <= mostTasks) return next;
	const over = [...next.values()]
		.filter(({status}) => status !== 'queued' && status !== 'running')
		.sort((one, other) => (one.updated_at < other.updated_at ? -1 : 1))
		.slice(0, next.size - mostTasks);
	for (const {id} of over) next.delete(id);
	return next;
}

function withAgents(agents: State['agents'], incoming: readonly Agent[]): State['agents'] {
	const next = new Map(agents);
	for (const agent of incoming) next.set(foldTag(agent.tag), agent);
	return next;
}

function withReceipts(receipts: State['receipts'], incoming: readonly Receipt[]): State['receipts'] {
	if (incoming.length === 0) return receipts;
	const next = new Map(receipts);
	for (const receipt of incoming) {
		const others = (next.get(receipt.message_id) ?? []).filter(
			({reader}) => foldTag(reader) !== foldTag(receipt.reader),
		);
		next.set(receipt.message_id, [...others, receipt]);
	}
	return next;
}

function withSeen(state: State, channel: Tag, id: number): State {
	const key = foldTag(channel);
	if (id <= Math.max(state.seen_from, state.seen.get(key) ?? 0)) return state;
	return {...state, seen: new Map(state.seen).set(key, id)};
}

function trimmed(state: State, keep: number): State {
	if (state.messages.length <= keep) return state;
	const messages = state.messages.slice(-keep);
	const oldest = messages[0]?.id ?? 0;
	const receipts = new Map([...state.receipts].filter(([id]) => id >= oldest));
	// What was dropped can be paged in again, so no channel counts as read to its beginning.
	return {...state, messages, receipts, complete: new Set()};
}
