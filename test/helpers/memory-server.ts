import {randomUUID} from 'node:crypto';
import type {Agent, Identity, AgentUpdate, Wake, Pause} from '../../source/mailbox/agent.ts';
import {MailboxError} from '../../source/mailbox/error.ts';
import type {MailboxEvent} from '../../source/mailbox/event.ts';
import {contentOf, mentionsIn, type Draft, type Message} from '../../source/mailbox/message.ts';
import {redactionOf} from '../../source/mailbox/redaction.ts';
import {isStuck, maxAttempts, type Receipt} from '../../source/mailbox/receipt.ts';
import {maxRows, type TableRow} from '../../source/mailbox/table.ts';
import {foldTag, sameTag, UNTAGGED, type Tag} from '../../source/mailbox/tag.ts';
import {MemoryHistory} from './memory-history.ts';
import {MemoryTasks} from './memory-tasks.ts';

/** What the server sends to a subscriber. It reads messages itself, from its cursor. */
export type Change =
	| Exclude<MailboxEvent, {type: 'messages' | 'cursor' | 'connection'}>
	| {type: 'commit'}
	| {type: 'outage'};

/**
 * The database behind several memory mailboxes, with the rules of supabase/migrations: two agents and a human can talk
 * in a test without a database. `insert` is plain SQL; `outage` and `recover` are the network.
 */
export class MemoryServer {
	readonly epoch = randomUUID();
	readonly messages: Message[] = [];
	readonly agents = new Map<string, Agent>();
	readonly receipts = new Map<string, Receipt>();
	/** The ids of each take that has a name, by that and by its reader. */
	readonly #takes = new Map<string, readonly number[]>();
	/** What was handed to which session. */
	readonly #handed = new Map<string, readonly number[]>();
	/** Other tables, by name; null: nobody may read it. */
	readonly tables = new Map<string, readonly TableRow[] | null>();
	readonly history = new MemoryHistory();
	/** How many messages a part of a search looks at. */
	searchedAtOnce = Infinity;
	/** What a search waits for before each further part. */
	furtherPart: () => Promise<void> = () => Promise.resolve();
	/** What time it is, in milliseconds since 1970: a test may say. */
	clock: () => number = Date.now;
	readonly tasks = new MemoryTasks(
		tasks => {
			for (const task of tasks) this.history.task(task);
			this.announce({type: 'tasks', tasks});
		},
		// Not behind what messages and agents were told: much in one millisecond takes several of theirs.
		() => Math.max(this.#last, this.clock()),
	);
	readonly #listeners = new Set<(change: Change) => void>();
	/** Live clients, by folded tag and then by session. */
	readonly #sessions = new Map<string, Map<string, {presence: Agent['presence']; wake: Wake | null}>>();
	#outage: string | null = null;
	#last = 0;

	/** Why the server is unreachable, or null. */
	get reason(): string | null {
		return this.#outage;
	}

	/** The first rows of a table that is not ours. */
	table(name: string): TableRow[] {
		const rows = this.tables.get(name);
		if (rows === undefined) throw new MailboxError('not_found', `There is no table ${name}.`);
		if (rows === null) throw new MailboxError('forbidden', `The table ${name} cannot be read from here.`);
		return rows.slice(0, maxRows);
	}

	/** Cuts every mailbox off, until `recover`; what is inserted meanwhile comes afterwards. */
	outage(reason = 'The hub does not answer.'): void {
		this.#outage = reason;
		this.announce({type: 'outage'});
	}

	recover(): void {
		this.#outage = null;
		this.announce({type: 'outage'});
	}

	listen(listener: (change: Change) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	announce(change: Change): void {
		for (const listener of this.#listeners) listener(change);
	}

	/** `insert into messages (content) values (...)` by plain SQL: nobody vouches for the author. */
	insert(content: string, draft: Omit<Draft, 'content'> = {}): Message {
		return this.#commit({...draft, content}, null);
	}

	/** An insert through the API, under row level security. */
	post(draft: Draft, identity: Identity): Message {
		const known = this.messages.find(message => message.client_id !== null && message.client_id === draft.client_id);
		if (known !== undefined) return known;
		const {tag} = derive(draft.content);
		if (identity.kind !== 'human' && identity.verified && !sameTag(tag, identity.tag)) {
			throw new MailboxError('forbidden', `${identity.tag} cannot write as ${tag}.`);
		}
		return this.#commit(draft, identity);
	}

	/** Redacts a message. */
	redact(id: number, {tag: me, kind, verified}: Identity, reason?: string): Message {
		const before = this.messages.find(message => message.id === id);
		if (before === undefined) throw new MailboxError('not_found', `There is no message ${id}.`);
		const isAuthor = before.verified && before.author_tag !== null && sameTag(before.author_tag, me);
		if (verified && kind !== 'human' && !isAuthor) {
			throw new MailboxError('forbidden', `You are ${me} and may not redact message ${id}.`);
		}
		if (redactionOf(before) !== null) return before;
		const redaction = {by: me, kind, verified, at: this.#now()};
		const more = reason === undefined ? {} : {reason};
		const body = '(redacted)';
		const content = contentOf(before.tag, body);
		const message = {
			...before,
			content,
			body,
			mentions: [],
			meta: {redaction: {...redaction, ...more}},
			redaction_signed: false,
		};
		this.messages[this.messages.indexOf(before)] = message;
		this.announce({type: 'redacted', messages: [message]});
		return message;
	}

	/** Never the same millisecond twice, so that rows before a join can be distinguished from those after it. */
	#now(): string {
		this.#last = Math.max(this.#last + 1, this.clock());
		return new Date(this.#last).toISOString();
	}

	touch({tag, kind}: Identity, {presence, role, session, wake}: AgentUpdate): Agent {
		const now = this.#now();
		const sessions = this.#sessions.get(foldTag(tag)) ?? new Map();
		this.#sessions.set(foldTag(tag), sessions);
		if (session !== undefined && presence === 'away') sessions.delete(session);
		else if (session !== undefined) {
			const known = sessions.get(session);
			const told = wake === 'none' ? null : wake;
			sessions.set(session, {
				presence: presence ?? known?.presence ?? 'idle',
				wake: told === undefined ? (known?.wake ?? null) : told,
			});
		}
		const live = [...sessions.values()];
		const derived = (['working', 'blocked', 'idle'] as const).find(each => live.some(one => one.presence === each));
		const before: Agent = this.agents.get(foldTag(tag)) ?? {
			tag,
			kind,
			role: null,
			presence: 'idle',
			joined_at: now,
			last_seen_at: null,
			revoked_at: null,
			sessions: 0,
			wake: null,
			damped: null,
			groups: [],
			paused: null,
			focused: false,
			meta: {},
		};
		const agent: Agent = {
			...before,
			role: role ?? before.role,
			presence: derived ?? presence ?? before.presence,
			sessions: live.length,
			wake: live.map(one => one.wake).find(way => way !== null) ?? null,
			last_seen_at: now,
		};
		this.history.agent(this.agents.get(foldTag(tag)), agent, this.#now());
		this.agents.set(foldTag(tag), agent);
		this.announce({type: 'agents', agents: [agent]});
		return agent;
	}

	/** Pauses an agent, or resumes it with null. */
	setPause(tag: Tag, paused: Pause | null): Agent {
		const before = this.agents.get(foldTag(tag));
		if (before === undefined) throw new MailboxError('not_found', `${tag} has not joined.`);
		const agent = {...before, paused};
		this.agents.set(foldTag(tag), agent);
		this.announce({type: 'agents', agents: [agent]});
		return agent;
	}

	setFocus(tag: Tag, focused: boolean): Agent {
		const before = this.agents.get(foldTag(tag));
		if (before === undefined) throw new MailboxError('not_found', `${tag} has not joined.`);
		const agent = {...before, focused};
		this.agents.set(foldTag(tag), agent);
		this.announce({type: 'agents', agents: [agent]});
		return agent;
	}

	/** Takes the right to take part from an agent, or gives it back. */
	setRevoked(tag: Tag, revoked: boolean, {tag: me, kind}: Identity): Agent {
		if (kind !== 'human') throw new MailboxError('forbidden', 'Only a human may revoke and restore agents.');
		if (revoked && sameTag(tag, me)) throw new MailboxError('invalid', `You are ${me} and cannot revoke yourself.`);
		const before = this.agents.get(foldTag(tag));
		if (before === undefined) throw new MailboxError('not_found', `${tag} has not joined.`);
		const agent = {...before, revoked_at: revoked ? (before.revoked_at ?? this.#now()) : null};
		this.history.agent(this.agents.get(foldTag(tag)), agent, this.#now());
		this.agents.set(foldTag(tag), agent);
		this.announce({type: 'agents', agents: [agent]});
		return agent;
	}

	/** Whether the message may be handed over now: no lease on it, not stuck, not acked. */
	isFree(id: number, reader: Tag): boolean {
		const receipt = this.receipts.get(`${id} ${foldTag(reader)}`);
		if (receipt === undefined) return true;
		const {state, attempts, returned, lease_until} = receipt;
		const isOpen = state !== 'acked' && attempts - returned < maxAttempts;
		return isOpen && !(lease_until !== null && lease_until > this.#now());
	}

	isStuck(message: number): boolean {
		const now = Date.parse(this.#now());
		return [...this.receipts.values()].some(receipt => receipt.message_id === message && isStuck(receipt, now));
	}

	take(messages: readonly Message[], reader: Tag, route: string, takeId?: string): void {
		const ids = messages.map(({id}) => id);
		this.#receive(ids, reader, before => {
			const takes = before.takes + 1;
			return {...before, state: 'taken', route, takes, lease_until: this.#later(Math.max(30, retryAfter(takes)))};
		});
		if (takeId !== undefined) this.#takes.set(`${takeId} ${foldTag(reader)}`, ids);
	}

	/** Two takes with the same name are not distinguished here. */
	release(takeId: string, reader: Tag): void {
		const ids = this.#takes.get(`${takeId} ${foldTag(reader)}`) ?? [];
		this.#takes.delete(`${takeId} ${foldTag(reader)}`);
		this.#receive(ids, reader, before =>
			before.state === 'taken' ? {...before, lease_until: this.#later(retryAfter(before.takes))} : before,
		);
	}

	deliver(ids: readonly number[], reader: Tag, route: string, session?: string): void {
		if (session !== undefined) this.#handed.set(`${session} ${foldTag(reader)}`, ids);
		this.#receive(ids, reader, (before, isNew) => {
			if (!isNew && before.state !== 'taken') return before;
			const delivered_at = before.delivered_at ?? this.#now();
			const attempts = before.attempts + 1;
			return {...before, state: 'delivered', route, delivered_at, attempts, takes: 0, lease_until: this.#later(600)};
		});
	}

	giveBack(session: string, reader: Tag): void {
		const ids = this.#handed.get(`${session} ${foldTag(reader)}`) ?? [];
		this.#handed.delete(`${session} ${foldTag(reader)}`);
		this.#receive(ids, reader, before =>
			before.state === 'delivered'
				? {
						...before,
						state: 'taken',
						returned: before.returned + 1,
						lease_until: this.#later(retryAfter(before.returned + 1)),
					}
				: before,
		);
	}

	ack(ids: readonly number[], reader: Tag, route: string): void {
		this.#receive(ids, reader, before => {
			if (before.state === 'acked') return before;
			const acked_at = this.#now();
			const delivered_at = before.delivered_at ?? acked_at;
			return {...before, state: 'acked', route, delivered_at, acked_at, lease_until: null};
		});
	}

	/** What was delivered to the writer from those whom the message addresses. */
	#answered({mentions}: Message, writer: Tag): number[] {
		return [...this.receipts.values()].flatMap(({message_id, reader, state}) => {
			if (state !== 'delivered' || !sameTag(reader, writer)) return [];
			const sender = this.messages.find(({id}) => id === message_id)?.tag ?? '';
			return mentions.length === 0 || mentions.some(mention => sameTag(mention, sender)) ? [message_id] : [];
		});
	}

	/** Ends every lease now, as if its time had passed. */
	lapse(): void {
		const lease_until = this.#now();
		for (const [key, receipt] of this.receipts) {
			if (receipt.lease_until !== null) this.receipts.set(key, {...receipt, lease_until});
		}
	}

	#later(seconds: number): string {
		return new Date(Date.parse(this.#now()) + seconds * 1000).toISOString();
	}

	/** Writes receipts of one reader; those that `change` returns unchanged are not published. */
	#receive(ids: readonly number[], reader: Tag, change: (before: Receipt, isNew: boolean) => Receipt): void {
		const changed: Receipt[] = [];
		for (const message_id of ids) {
			if (!this.messages.some(({id}) => id === message_id)) continue;
			const key = `${message_id} ${foldTag(reader)}`;
			const known = this.receipts.get(key);
			const before = known ?? {...unread, message_id, reader};
			const receipt = change(before, known === undefined);
			if (receipt === before) continue;
			this.receipts.set(key, receipt);
			changed.push(receipt);
		}
		if (changed.length > 0) this.announce({type: 'receipts', receipts: changed});
	}

	#commit({content, client_id, reply_to, meta}: Draft, identity: Identity | null): Message {
		const answers = reply_to !== undefined && reply_to !== null;
		const parent = answers ? this.messages.find(({id}) => id === reply_to) : undefined;
		if (answers && parent === undefined) {
			throw new MailboxError('not_found', `There is no message ${reply_to} to reply to.`);
		}
		const id = this.messages.length + 1;
		const {tag, body} = derive(content);
		const message: Message = {
			id,
			content,
			tag,
			body,
			mentions: mentionsIn(body),
			reply_to: reply_to ?? null,
			thread_id: parent?.thread_id ?? id,
			client_id: client_id ?? null,
			meta: meta ?? {},
			author_tag: identity?.tag ?? null,
			author_kind: identity?.kind ?? null,
			verified: identity?.verified ?? false,
			xid: String(1000 + id),
			created_at: this.#now(),
			// What a human's program posts is signed; anything else in that place is not.
			signed: meta?.['signature'] === undefined ? identity?.kind === 'human' : 'invalid',
		};
		this.messages.push(message);
		this.announce({type: 'commit'});
		const writer = identity?.tag ?? tag;
		if (parent !== undefined) this.ack([parent.id], writer, 'reply');
		else if (identity?.kind !== 'human') this.ack(this.#answered(message, writer), writer, 'answer');
		return message;
	}
}

const unread = {
	state: 'taken',
	route: null,
	delivered_at: null,
	read_at: null,
	acked_at: null,
	attempts: 0,
	returned: 0,
	takes: 0,
	lease_until: null,
} as const;

/** Seconds, as agentmux.retry_after says. */
function retryAfter(takes: number): number {
	return takes <= 1 ? 0 : Math.min(300, 2 ** (takes - 2));
}

function derive(content: string): {tag: Tag; body: string} {
	const [, tag, body] = /^\[([A-Za-z][A-Za-z0-9_-]{0,31})\]\s*([^]*)$/.exec(content) ?? [];
	return {tag: tag ?? UNTAGGED, body: body ?? content};
}
