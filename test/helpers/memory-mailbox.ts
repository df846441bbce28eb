import type {Identity, Pause} from '../../source/mailbox/agent.ts';
import {checkContent} from '../../source/mailbox/content.ts';
import {MailboxError} from '../../source/mailbox/error.ts';
import type {Cursor, MailboxEvent, Unsubscribe} from '../../source/mailbox/event.ts';
import {storedPart} from '../../source/mailbox/filter.ts';
import {compileFilter} from '../../source/mailbox/filter/filter-match.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {addresses, inChannel, type Message} from '../../source/mailbox/message.ts';
import type {Channel} from '../../source/mailbox/query.ts';
import {redactionOf} from '../../source/mailbox/redaction.ts';
import {tableName} from '../../source/mailbox/table.ts';
import {foldTag, type Tag} from '../../source/mailbox/tag.ts';
import type {MemoryServer} from './memory-server.ts';

/** A Mailbox on a MemoryServer, as `identity`. Passes test/contract like the real one. */
export function memoryMailbox(server: MemoryServer, identity: Pick<Identity, 'tag'> & Partial<Identity>): Mailbox {
	const me: Identity = {kind: 'agent', verified: true, ...identity};
	const unsubscribes = new Set<Unsubscribe>();
	let closed = false;

	/** Each call takes a turn of the event loop, and fails like a network. */
	async function call<T>(work: () => T): Promise<T> {
		await new Promise(resolve => {
			setImmediate(resolve);
		});
		if (closed) throw new MailboxError('offline', 'The mailbox is closed.');
		if (server.reason !== null) throw new MailboxError('offline', server.reason);
		const own = server.agents.get(foldTag(me.tag));
		if (own !== undefined && own.revoked_at !== null) {
			throw new MailboxError('forbidden', `${own.tag} has been revoked.`);
		}
		return work();
	}

	const mailbox: Mailbox = {
		identity: async () => me,
		history: ({channel, thread, before = Infinity, after = 0, limit = 100, oldest = false}) =>
			call(() => {
				const size = Math.min(limit, 1000);
				const found = server.messages
					.filter(({id}) => id < before && id > after)
					.filter(message => channel === undefined || inChannel(message, channel))
					.filter(message => thread === undefined || message.thread_id === thread);
				return oldest ? found.slice(0, size) : found.slice(-size);
			}),
		channels: () => call(() => channelsOf(server)),
		cursor: () =>
			call(() => {
				const last = server.messages.at(-1);
				return {epoch: server.epoch, xid: last?.xid ?? '0', id: last?.id ?? 0};
			}),
		post: draft =>
			call(() => {
				checkContent(draft.content);
				return server.post(draft, me);
			}),
		redact: (id, reason) => call(() => server.redact(id, me, reason)),
		// There is no chain in memory: nothing has been sealed.
		seal: () => call(() => ({epoch: server.epoch, seq: 0, hash: '', more: false})),
		checkSeals: () => call(() => []),
		async *searchParts(filter, page) {
			let rest = await this.search(filter, page);
			const newest = server.messages.toReversed();
			for (
				let looked = server.searchedAtOnce;
				looked < newest.length && rest.length > 0;
				looked += server.searchedAtOnce
			) {
				const {id, created_at: at} = newest[looked - 1]!;
				yield {messages: rest.filter(found => found.id >= id), searchedTo: {id, at}};
				rest = rest.filter(found => found.id < id);
				await server.furtherPart();
			}
			yield {messages: rest, searchedTo: null};
		},
		search: (filter, {limit = 50, before = Infinity, signal} = {}) =>
			call(() => {
				if (signal?.aborted === true) throw new MailboxError('offline', 'Nobody waits for it any more.');
				const facts = {
					now: Date.now(),
					me: me.tag,
					isUnread: () => true,
					isStuck: ({id}: Message) => server.isStuck(id),
				};
				const test = compileFilter(storedPart(filter), facts);
				return server.messages
					.filter(message => message.id < before && test(message))
					.slice(-Math.min(limit, 1000))
					.reverse();
			}),
		inbox: (reader, {limit = 50, free = false} = {}) =>
			call(() =>
				inboxOf(server, reader)
					.filter(({id}) => !free || server.isFree(id, reader))
					.slice(0, limit),
			),
		take: ({limit = 20, bytes = 1_048_576, route, takeId}) =>
			call(() => {
				if (pauseOf(server, me.tag) !== null) return [];
				const free = inboxOf(server, me.tag).filter(({id}) => server.isFree(id, me.tag));
				const [first, ...rest] = free.toSorted(byPrecedence);
				const oldest = free[0] === first ? undefined : free[0];
				const chosen = [first, oldest, ...rest.filter(message => message !== oldest)].filter(
					message => message !== undefined,
				);
				let size = 0;
				const taken = chosen.slice(0, limit).filter(({content}, index) => {
					size += Buffer.byteLength(content);
					return index === 0 || size <= bytes;
				});
				server.take(taken, me.tag, route, takeId);
				return taken.toSorted(byPrecedence);
			}),
		async check({named = 11, open = false, ...options}) {
			const messages = await mailbox.take(options);
			const own = async (of: readonly Message[]) =>
				(await mailbox.receipts(of.map(({id}) => id))).filter(({reader}) => foldTag(reader) === foldTag(me.tag));
			const ids = (of: readonly Message[]) => of.map(({id}) => id);
			if (messages.length > 0) {
				const waiting = ids(await mailbox.inbox(me.tag, {free: true, limit: named}));
				return {messages, receipts: await own(messages), waiting, open: [], paused: null};
			}
			const given = open ? await own(await mailbox.inbox(me.tag)) : [];
			return {
				messages,
				receipts: [],
				waiting: [],
				open: given.map(({message_id}) => message_id),
				paused: pauseOf(server, me.tag),
			};
		},
		release: takeId => call(() => server.release(takeId, me.tag)),
		deliver: (ids, route, session) => call(() => server.deliver(ids, me.tag, route, session)),
		giveBack: session => call(() => server.giveBack(session, me.tag)),
		endTurn: () => call(() => undefined),
		endSessions: sessions =>
			call(() => {
				for (const session of sessions) server.touch(me, {presence: 'away', session});
			}),
		wake: () => call(() => inboxOf(server, me.tag).filter(({id}) => server.isFree(id, me.tag))),
		ack: (ids, route) => call(() => server.ack(ids, me.tag, route)),
		receipts: ids => call(() => [...server.receipts.values()].filter(({message_id}) => ids.includes(message_id))),
		tasks: {
			list: (filter = {}) =>
				call(() => {
					server.tasks.reap();
					return server.tasks.list(filter);
				}),
			add: draft => call(() => server.tasks.add(draft, me.tag)),
			plan: (draft, steps, inOrder) => call(() => server.tasks.plan(draft, steps, inOrder, me.tag)),
			claim: (claim = {}) => call(() => server.tasks.claim(claim, me.tag)),
			attempts: id => call(() => server.tasks.attempts(id)),
			tend: () => call(() => server.tasks.reap()),
			progress: (id, token, progress, note) => call(() => server.tasks.progress(id, token, me.tag, progress, note)),
			heartbeat: (id, token, lease) => call(() => server.tasks.heartbeat(id, token, me.tag, lease)),
			renew: (claims, others) => call(() => server.tasks.renew(claims, me.tag, others)),
			finish: (id, token, outcome) => call(() => server.tasks.finish(id, token, me.tag, outcome)),
			cancel: (id, reason) => call(() => server.tasks.cancel(id, me, reason)),
			retry: id => call(() => server.tasks.retry(id, me)),
			assign: (id, assignee) => call(() => server.tasks.assign(id, assignee, me)),
			prioritise: (id, priority) => call(() => server.tasks.prioritise(id, priority, me)),
		},
		approvals: noApprovals,
		scheduled: noScheduled,
		sight: {list: async () => [], show: async () => undefined, stop: async () => []},
		table: name => call(() => server.table(tableName(name))),
		sql: async () => {
			throw new MailboxError('invalid', 'This mailbox is in memory and knows no SQL.');
		},
		changes: query => call(() => server.history.between(query)),
		controlChanges: () => call(() => []),
		agents: () => call(() => [...server.agents.values()]),
		touch: state => call(() => server.touch(me, state)),
		revoke: tag => call(() => server.setRevoked(tag, true, me)),
		restore: tag => call(() => server.setRevoked(tag, false, me)),
		group: tag => call(() => server.touch({...me, tag}, {})),
		pause: (tag, reason = '') =>
			call(() => (tag === null ? [] : [server.setPause(tag, {at: new Date().toISOString(), by: me.tag, reason})])),
		resume: tag => call(() => (tag === null ? [] : [server.setPause(tag, null)])),
		focus: (tag, focused) => call(() => (tag === null ? [] : [server.setFocus(tag, focused)])),
		undamp: tag => call(() => server.touch({...me, tag}, {})),
		watchBusy: () => () => undefined,
		subscribe(listener, from = null) {
			const unsubscribe = follow(server, listener, from);
			unsubscribes.add(unsubscribe);
			return () => {
				unsubscribe();
				unsubscribes.delete(unsubscribe);
			};
		},
		async close() {
			closed = true;
			for (const unsubscribe of unsubscribes) unsubscribe();
		},
	};
	return mailbox;
}

function channelsOf({messages, agents}: MemoryServer): Channel[] {
	const channels = new Map<string, Channel>();
	const see = (tag: Tag, last_id: number): void => {
		const seen = channels.get(foldTag(tag));
		channels.set(foldTag(tag), {tag: seen?.tag ?? tag, last_id: Math.max(last_id, seen?.last_id ?? 0)});
	};
	for (const {tag} of agents.values()) see(tag, 0);
	for (const {id, tag, mentions} of messages) for (const name of [tag, ...mentions]) see(name, id);
	return [...channels.values()].sort((one, other) => other.last_id - one.last_id);
}

function pauseOf(server: MemoryServer, tag: Tag): Pause | null {
	return server.agents.get(foldTag(tag))?.paused ?? null;
}

function inboxOf({messages, agents, receipts}: MemoryServer, reader: Tag): Message[] {
	const joined = agents.get(foldTag(reader))?.joined_at;
	return messages
		.filter(message => redactionOf(message) === null && addresses(message, reader))
		.filter(({mentions, created_at}) => mentions.length > 0 || (joined !== undefined && created_at >= joined))
		.filter(({id}) => receipts.get(`${id} ${foldTag(reader)}`)?.state !== 'acked');
}

/** A subscription: reads from its cursor whenever the server reports a commit. */
function follow(server: MemoryServer, listener: (event: MailboxEvent) => void, from: Cursor | null): Unsubscribe {
	const {epoch} = server;
	let position = from === null ? server.messages.length : from.epoch === epoch ? from.id : 0;
	let foreign = from !== null && from.epoch !== epoch;
	let live = false;
	let ended = false;

	const tell = (event: MailboxEvent): void => {
		if (!ended) listener(event);
	};
	const readOn = (): void => {
		const messages = server.messages.slice(position);
		const last = messages.at(-1);
		if (last === undefined) return;
		position = last.id;
		tell({type: 'messages', messages});
		tell({type: 'cursor', cursor: {epoch, xid: last.xid, id: last.id}});
	};
	const connect = (): void => {
		if (server.reason !== null) {
			live = false;
			const connection = {phase: 'offline', retry_at: Date.now() + 3000, reason: server.reason} as const;
			return tell({type: 'connection', connection});
		}
		tell({type: 'connection', connection: {phase: 'connecting'}});
		tell({type: 'connection', connection: {phase: 'catching_up'}});
		if (foreign) tell({type: 'replaced', epoch, common: null, fresh: server.messages.length, more: false});
		foreign = false;
		readOn();
		tell({type: 'tasks', tasks: server.tasks.list({})});
		tell({type: 'agents', agents: [...server.agents.values()]});
		tell({type: 'receipts', receipts: [...server.receipts.values()]});
		const redacted = server.messages.filter(message => redactionOf(message) !== null);
		if (redacted.length > 0) tell({type: 'redacted', messages: redacted});
		live = true;
		tell({type: 'connection', connection: {phase: 'live'}});
	};

	const unlisten = server.listen(change => {
		if (change.type === 'outage') setImmediate(connect);
		else if (!live) return;
		else if (change.type === 'commit') readOn();
		else tell(change);
	});
	setImmediate(connect);
	return () => {
		ended = true;
		unlisten();
	};
}

/** The order of a hand-over: people, agents, SYSTEM. */
function byPrecedence(one: Message, other: Message): number {
	const place = ({author_kind}: Message): number => (author_kind === 'human' ? 0 : author_kind === 'system' ? 2 : 1);
	return place(one) - place(other) || one.id - other.id;
}

/** Nobody asks for anything in memory. */
const noScheduled: Mailbox['scheduled'] = {
	post: async () => {
		throw new MailboxError('invalid', 'Nothing is sent later here.');
	},
	list: async () => [],
	cancel: async id => {
		throw new MailboxError('not_found', `There is no scheduled message ${id}.`);
	},
};

const noApprovals: Mailbox['approvals'] = {
	list: async () => [],
	find: async id => {
		throw new MailboxError('not_found', `There is no request ${id}.`);
	},
	waiting: async () => [],
	decide: async () => {
		throw new MailboxError('not_found', 'There is no such request.');
	},
};
