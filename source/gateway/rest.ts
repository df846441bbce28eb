import {randomUUID} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';
import type {SupabaseClient} from '@supabase/supabase-js';
import type {Agent, AgentUpdate} from '../mailbox/agent.ts';
import {checkContent} from '../mailbox/content.ts';
import {MailboxError} from '../mailbox/error.ts';
import type {Json} from '../mailbox/json.ts';
import type {Cursor} from '../mailbox/event.ts';
import type {Filter} from '../mailbox/filter.ts';
import {inChannel, type Draft, type Message, type MessageRow} from '../mailbox/message.ts';
import type {Channel, HistoryQuery, InboxQuery, SearchPage, TakeOptions} from '../mailbox/query.ts';
import type {Receipt} from '../mailbox/receipt.ts';
import type {ChainHead, CheckedSeal} from '../mailbox/seal.ts';
import type {Statement} from '../mailbox/signature.ts';
import type {Signatures} from '../mailbox/signatures.ts';
import type {ChangeQuery, StateChange} from '../mailbox/state-change.ts';
import type {Tag} from '../mailbox/tag.ts';
import type {Row, Source} from './catch-up.ts';
import {neverArrived, strange, unreachable} from './failure.ts';
import type {Database} from './database.types.ts';
import type {Link} from './link.ts';
import {PageSize} from './page-size.ts';
import {searchArguments} from './search.ts';
import {hasSignature, withSigned} from './signed.ts';
import {isBeyond, type Anchor, type Position} from './trail.ts';
import {
	readAgent,
	readAnchor,
	readChainHead,
	readChange,
	readChannel,
	readCheckedSeal,
	readMessage,
	readReceipt,
	readRedactedId,
	readRow,
	readState,
	rows,
	type MailboxState,
	type Reader,
} from './rows.ts';

/** One request to supabase-js: a query builder, or anything else that it answers with. */
export type Request = (client: SupabaseClient<Database>) => {
	throwOnError(): PromiseLike<{readonly data: unknown}>;
};

type Functions = Database['public']['Functions'];
type Sent<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** What a function of the database takes. Null is what SQL calls it, where there is a default: often that very default. */
export type Arguments<Name extends keyof Functions> = {
	readonly [Key in keyof Functions[Name]['Args']]: undefined extends Functions[Name]['Args'][Key]
		? Sent<Functions[Name]['Args'][Key]> | null
		: Sent<Functions[Name]['Args'][Key]>;
};

export interface RequestOptions {
	/** Nothing comes of doing it twice. */
	readonly twice?: boolean;
	/** Milliseconds before each further attempt. */
	readonly pauses?: readonly number[];
	/** Nobody waits for it any more: it is not tried again. */
	readonly signal?: AbortSignal;
}

/** Waits in milliseconds before a post is tried again. */
const postPauses = [200, 800, 2000];

/** How many of the newest rows behind a cursor are asked for one by one. */
const nearest = 64;

/** The requests behind the Mailbox, but for tasks and what is live. */
export class Rest implements Source {
	readonly #link: Link;
	/** Whom it writes as, asked when it signs. */
	readonly #tag: () => Tag;
	readonly #signatures: Signatures | undefined;
	/** As the database said last; undefined: not asked yet. */
	#mailboxId: string | null | undefined;
	readonly #pageSize = new PageSize();

	constructor(link: Link, tag: () => Tag, signatures?: Signatures) {
		this.#link = link;
		this.#tag = tag;
		this.#signatures = signatures;
	}

	/**
	 * Makes a request and resolves with its data. One that did not get through is made again after each pause, at
	 * wherever the other end is then: when nothing comes of doing it twice, or when it cannot have arrived.
	 */
	async request(request: Request, {twice = true, pauses = [100], signal}: RequestOptions = {}): Promise<unknown> {
		for (let attempt = 0; ; attempt++) {
			try {
				const client = await this.#link.client();
				return (await request(client).throwOnError()).data;
			} catch (error) {
				const failure = this.#failureOf(error);
				const pause = pauses[attempt];
				const isOver = this.#link.isClosed || signal?.aborted === true;
				const again = failure.code === 'offline' && !isOver && (twice || neverArrived(failure));
				if (!again || pause === undefined) throw failure;
				await sleep(pause);
				await this.#link.rediscover();
			}
		}
	}

	/** A function of the database: `messages_since` and the like. */
	rpc<Name extends keyof Functions>(name: Name, args: Arguments<Name>, options?: RequestOptions): Promise<unknown> {
		// Its own types know one function at a time.
		return this.request(client => (client as SupabaseClient).rpc(name, args), options);
	}

	/** Rows of a table. Whoever may not read gets none, without a word: then the database is asked whether that is why. */
	async table<T>(read: Reader<T>, request: Request): Promise<T[]> {
		const found = rows(read, await this.request(request));
		if (found.length === 0) await this.rpc('mux_guard', {});
		return found;
	}

	async state(options?: RequestOptions): Promise<MailboxState> {
		const [state] = rows(readState, await this.rpc('mailbox_state', {}, options));
		if (state === undefined) throw new MailboxError('schema', 'The mailbox has no epoch: mux_meta is empty.');
		this.#mailboxId = state.mailbox_id;
		return state;
	}

	/** Messages of rows; which mailbox this is, is asked once, and only where something is signed. */
	async #messages(found: readonly MessageRow[]): Promise<Message[]> {
		if (this.#mailboxId === undefined && found.some(hasSignature)) await this.state();
		return found.map(row => this.message(row));
	}

	/** The message of a row that came live: by then it is known which mailbox this is. */
	message(row: MessageRow): Message {
		return withSigned(row, this.#mailboxId ?? null, this.#signatures);
	}

	async epoch(): Promise<string> {
		return (await this.state()).epoch;
	}

	/** The newest row before the oldest transaction that is still running: nothing can be committed at or before it. */
	async cursor(): Promise<Cursor> {
		const {epoch, horizon, settled} = await this.state();
		// A database that lacks the migration tells the horizon alone.
		return {epoch, ...(settled ?? {xid: horizon, id: 0})};
	}

	async before(anchor: Anchor): Promise<Anchor[]> {
		const further: number[] = [];
		for (let back = nearest; back < anchor.id; back *= 2) further.push(anchor.id - back);
		const found = await this.table(readAnchor, client =>
			client
				.from('messages')
				.select('id,xid,created_at')
				.or(`id.gt.${anchor.id - nearest},id.in.(1,${further.join()})`.replace(',)', ')'))
				.lte('id', anchor.id)
				.order('xid')
				.order('id'),
		);
		return found.filter(row => !isBeyond(row, anchor));
	}

	async page(after: Position, limit: number): Promise<Row[]> {
		const found = await this.#pageSize.read(after, limit, async ({xid, id}, p_limit) =>
			rows(readRow, await this.rpc('messages_since', {p_xid: xid, p_id: id, p_limit})),
		);
		const messages = await this.#messages(found.map(({message}) => message));
		return messages.map((message, index) => ({message, settled: found[index]?.settled === true}));
	}

	async history({channel, thread, before, after, limit = 100, oldest = false}: HistoryQuery): Promise<Message[]> {
		const size = Math.min(Math.max(limit, 1), 1000);
		const inOrder = (found: MessageRow[]): Promise<Message[]> => this.#messages(oldest ? found : found.reverse());
		if (channel !== undefined && thread === undefined) {
			const args = {p_tag: channel, p_before: before ?? null, p_after: after ?? null, p_limit: size};
			return inOrder(rows(readMessage, await this.rpc(oldest ? 'channel_messages_after' : 'channel_messages', args)));
		}
		const found = await this.table(readMessage, client => {
			let query = client.from('messages').select();
			if (thread !== undefined) query = query.eq('thread_id', thread);
			if (before !== undefined) query = query.lt('id', before);
			if (after !== undefined) query = query.gt('id', after);
			return query.order('id', {ascending: oldest}).limit(channel === undefined ? size : 1000);
		});
		const wanted = channel === undefined ? found : found.filter(message => inChannel(message, channel));
		return inOrder(wanted.slice(0, size));
	}

	async channels(): Promise<Channel[]> {
		return rows(readChannel, await this.rpc('channels', {}));
	}

	async post({content, client_id = randomUUID(), reply_to, meta}: Draft): Promise<Message> {
		checkContent(content);
		const signature = await this.#sign({kind: 'message', subject: client_id, content, reply_to: reply_to ?? null});
		const row = {content, client_id, reply_to: reply_to ?? null, meta: {...meta, ...signature}};
		const inserted = await this.request(
			client => client.from('messages').upsert(row, {onConflict: 'client_id', ignoreDuplicates: true}).select(),
			{pauses: postPauses},
		);
		// No row: an earlier attempt got through, though its answer did not.
		const data = rows(readMessage, inserted);
		const known = data.length > 0 ? data : rows(readMessage, await this.request(byClientId(client_id)));
		const [message] = await this.#messages(known);
		if (message === undefined)
			throw new MailboxError('internal', 'The server accepted the message but returned no row.');
		return message;
	}

	async redact(id: number, reason?: string): Promise<Message> {
		const {signature} = await this.#sign({
			kind: 'redaction',
			subject: String(id),
			content: reason ?? '',
			reply_to: null,
		});
		const args = {p_id: id, p_reason: reason ?? null, p_signature: signature ?? null};
		const [message] = await this.#messages(rows(readMessage, await this.rpc('redact_message', args)));
		if (message === undefined) throw new MailboxError('internal', 'redact_message answered without a row.');
		return message;
	}

	/** Those of the newest messages that were redacted; none where the other end is older than redaction. */
	async newestRedacted(limit: number): Promise<Message[]> {
		try {
			const found = await this.request(client =>
				client.from('redactions').select('message_id').order('message_id', {ascending: false}).limit(limit),
			);
			const ids = rows(readRedactedId, found);
			if (ids.length === 0) return [];
			const left = await this.request(client => client.from('messages').select().in('id', ids));
			return await this.#messages(rows(readMessage, left));
		} catch (error) {
			if (error instanceof MailboxError && error.code === 'schema') return [];
			throw error;
		}
	}

	async seal(): Promise<ChainHead> {
		const [head] = rows(readChainHead, await this.rpc('seal_history', {}));
		if (head === undefined) throw new MailboxError('internal', 'seal_history answered without a row.');
		return head;
	}

	async checkSeals(after: number): Promise<CheckedSeal[]> {
		return rows(readCheckedSeal, await this.rpc('verify_history', {p_after: after}));
	}

	/** The signature of somebody who signs. The database is asked each time: another may have come. */
	async #sign(statement: Omit<Statement, 'mailbox_id' | 'tag'>): Promise<{signature?: Json}> {
		const sign = this.#signatures?.sign ?? null;
		if (sign === null) return {};
		const {mailbox_id} = await this.state({pauses: postPauses});
		if (mailbox_id === null) return {};
		return {signature: {...(await sign({...statement, mailbox_id, tag: this.#tag()}))}};
	}

	/** One call for each alternative: their pages together hold the newest of all. */
	async search({alternatives}: Filter, {limit = 50, before, signal}: SearchPage = {}): Promise<Message[]> {
		const now = Date.now();
		const size = Math.min(Math.max(limit, 1), 1000);
		const pages = await Promise.all(
			(alternatives.length === 0 ? [[]] : alternatives).map(async terms => {
				const args: Arguments<'search_messages'> = {
					...searchArguments(terms, now),
					p_limit: size,
					p_before_id: before ?? null,
				};
				const request: Request = client => {
					const call = (client as SupabaseClient).rpc('search_messages', args);
					return signal === undefined ? call : call.abortSignal(signal);
				};
				const found = await this.request(request, signal === undefined ? {} : {signal});
				return this.#messages(rows(readMessage, found));
			}),
		);
		const [only = []] = pages;
		if (pages.length === 1) return only;
		const byId = new Map(pages.flat().map(message => [message.id, message]));
		return [...byId.values()].sort((one, other) => other.id - one.id).slice(0, size);
	}

	async inbox(reader: Tag, {limit = 50, free = false}: InboxQuery = {}): Promise<Message[]> {
		return this.#messages(rows(readMessage, await this.rpc('inbox', {p_reader: reader, p_limit: limit, p_free: free})));
	}

	/** Not made twice: what an answer that was lost has leased comes again when the lease runs out. */
	async take({limit = 20, route, takeId, session, bytes}: TakeOptions): Promise<Message[]> {
		const args = {
			p_limit: limit,
			p_route: route,
			...(takeId === undefined ? {} : {p_take_id: takeId}),
			...(session === undefined ? {} : {p_session: session}),
			...(bytes === undefined ? {} : {p_bytes: bytes}),
		};
		return this.#messages(rows(readMessage, await this.rpc('inbox_take', args, {twice: false})));
	}

	async release(takeId: string): Promise<void> {
		await this.rpc('receipt_release', {p_take_id: takeId});
	}

	async deliver(ids: readonly number[], route: string, session?: string): Promise<void> {
		await this.rpc('receipt_deliver', {p_ids: ids, p_route: route, p_session: session ?? null});
	}

	async giveBack(session: string): Promise<void> {
		await this.rpc('receipt_return', {p_session: session});
	}

	async endTurn(session: string): Promise<void> {
		await this.rpc('inbox_take', {p_limit: 0, p_session: session, p_ended: 'turn'});
	}

	async endSessions(sessions: readonly string[]): Promise<void> {
		await this.rpc('session_end', {p_sessions: sessions});
	}

	async wake(session: string): Promise<Message[]> {
		return this.#messages(rows(readMessage, await this.rpc('wake_begin', {p_session: session}, {twice: false})));
	}

	async ack(ids: readonly number[], route: string): Promise<void> {
		await this.rpc('receipt_ack', {p_ids: ids, p_route: route});
	}

	async receipts(ids: readonly number[]): Promise<Receipt[]> {
		const receipts: Receipt[] = [];
		// An address holds only so many ids.
		for (let at = 0; at < ids.length; at += 200) {
			const some = ids.slice(at, at + 200);
			const data = await this.request(client => client.from('receipts').select().in('message_id', some));
			receipts.push(...rows(readReceipt, data));
		}
		return receipts;
	}

	/** The receipts of the newest messages that have any. */
	async newestReceipts(limit: number): Promise<Receipt[]> {
		const data = await this.request(client =>
			client.from('receipts').select().order('message_id', {ascending: false}).limit(limit),
		);
		return rows(readReceipt, data);
	}

	async changes({from, to, before, limit}: ChangeQuery): Promise<StateChange[]> {
		const args = {
			p_from: from,
			p_to: before?.at ?? to ?? null,
			p_before: before?.id ?? null,
			p_limit: limit ?? null,
		};
		return rows(readChange, await this.rpc('events_between', args)).reverse();
	}

	async agents(): Promise<Agent[]> {
		return this.table(readAgent, client => client.from('agents').select().order('joined_at'));
	}

	touch({presence, role, session, wake, quiet}: AgentUpdate): Promise<Agent> {
		const args = {
			p_presence: presence ?? null,
			p_role: role ?? null,
			p_session: session ?? null,
			p_wake: wake ?? null,
			...(quiet === undefined ? {} : {p_quiet: quiet}),
		};
		return this.agent('agent_touch', args);
	}

	/** A function that answers with the agent that it changed. */
	async agent<Name extends 'agent_touch' | 'agent_revoke' | 'agent_restore' | 'agent_undamp'>(
		name: Name,
		args: Arguments<Name>,
	): Promise<Agent> {
		const [agent] = rows(readAgent, await this.rpc(name, args));
		if (agent === undefined) throw new MailboxError('internal', `${name} answered without a row.`);
		return agent;
	}

	#failureOf(error: unknown): MailboxError {
		if (error instanceof MailboxError) return error;
		const {url} = this.#link.target;
		// The answer was cut off, or no JSON: what fetch itself cannot see.
		if (error instanceof Error && error.name === 'PostgrestError') return strange(url, error.message);
		return unreachable(url, error, this.#link.timeout);
	}
}

function byClientId(client_id: string): Request {
	return client => client.from('messages').select().eq('client_id', client_id);
}
