import {MailboxError} from '../../mailbox/error.ts';
import type {About, Connection, Cursor, MailboxEvent, Replaced} from '../../mailbox/event.ts';
import type {Message, MessageRow} from '../../mailbox/message.ts';
import {Backoff} from './backoff.ts';
import {CatchUp, type Source} from './catch-up.ts';
import {IdOrder} from './id-order.ts';
import type {Link} from '../link/link.ts';
import {ChangeFeed, type Table} from './realtime.ts';
import type {MessageRows} from '../rest/message-rows.ts';
import {Roster, type RosterSource} from './roster.ts';
import {readMessage} from '../rest/rows.ts';

export interface Timing {
	/** Milliseconds between two polls when no event arrives, and while Realtime cannot be reached. */
	readonly idle: number;
	/** Milliseconds to wait after a number of failures in a row. */
	readonly delayAfter?: (failures: number) => number;
}

/**
 * Milliseconds after a doorbell whose row was emitted until a pass moves the cursor. A subscription about one agent leaves that to the
 * next idle poll: its cursor is kept by nobody, and with N agents each message would cost N reads.
 */
const passDelay = 250;
/** The number of idle polls after which tasks, agents and receipts are read again, in case events were lost. */
const pollsPerRefresh = 12;

/** What a subscription follows, and what reads it. */
interface Followed extends RosterSource {
	readonly link: Link;
	readonly pages: Source;
	readonly messages: MessageRows;
}

/** One subscription: it joins, catches up, is live, loses the connection and reconnects, until it is closed. */
export class Subscription {
	readonly #link: Link;
	readonly #messages: MessageRows;
	readonly #about: About;
	readonly #listener: (event: MailboxEvent) => void;
	readonly #catchUp: CatchUp;
	readonly #order: IdOrder;
	readonly #roster: Roster;
	readonly #backoff: Backoff;
	readonly #idle: number;
	readonly #ticker: NodeJS.Timeout;
	#connection: Connection = {phase: 'connecting'};
	#bell: ChangeFeed | null = null;
	/** Counts attempts to connect, so that events of earlier ones can be ignored. */
	#attempt = 0;
	#lastTick = {wall: Date.now(), monotonic: performance.now()};
	#ticks = 0;
	/** Whether the database can be reached while Realtime cannot. */
	#polling = false;
	#nextPass: NodeJS.Timeout | undefined;
	#passTook = 0;
	/** The history was replaced, and only its messages have been read so far. */
	#isReplaced = false;
	#closed = false;

	constructor(
		{link, pages, messages, ...roster}: Followed,
		about: About,
		listener: (event: MailboxEvent) => void,
		from: Cursor | null,
		{idle, delayAfter}: Timing,
	) {
		this.#link = link;
		this.#messages = messages;
		this.#about = about;
		this.#listener = listener;
		this.#idle = idle;
		this.#backoff = new Backoff(() => void this.#connect(), delayAfter);
		const inOrder = {
			messages: (messages: readonly Message[]) => this.#emit({type: 'messages', messages}),
			cursor: (cursor: Cursor) => this.#emit({type: 'cursor', cursor}),
		};
		this.#order = new IdOrder(inOrder, () => this.#orLose(() => this.#pass(false)), from?.id ?? null);
		const caughtUp = {
			messages: (messages: readonly Message[]) => this.#order.add(messages),
			cursor: (cursor: Cursor) => this.#order.cursor(cursor),
			began: (id: number) => this.#order.begin(id),
			replaced: (replaced: Replaced) => {
				this.#isReplaced = true;
				this.#order.restart(replaced.common ?? 0);
				this.#emit({type: 'replaced', ...replaced});
			},
		};
		this.#catchUp = new CatchUp(pages, caughtUp, from);
		this.#roster = new Roster(roster, about, event =>
			event.type === 'redacted' ? this.#emitRedacted(event.messages) : this.#emit(event),
		);
		this.#ticker = setInterval(() => void this.#tick(), idle);
		// The subscriber gets its function to unsubscribe before the first event.
		queueMicrotask(() => void this.#connect());
	}

	close(): void {
		this.#closed = true;
		this.#attempt += 1;
		this.#bell?.close();
		this.#backoff.reset();
		this.#order.close();
		clearInterval(this.#ticker);
		clearTimeout(this.#nextPass);
	}

	async #connect(): Promise<void> {
		if (this.#closed) return;
		const attempt = ++this.#attempt;
		const isCurrent = (): boolean => attempt === this.#attempt;
		this.#setConnection({phase: 'connecting'});
		try {
			if (attempt > 1) await this.#link.rediscover();
			const client = await this.#link.fresh();
			if (!isCurrent()) return;
			this.#bell = new ChangeFeed(client, this.#about, {
				joined: () => void this.#arrive(isCurrent),
				changed: (table, record) => this.#change(table, record),
				redacted: record => this.#redact(record),
				removed: (table, key) => {
					if (!this.#roster.remove(table, key)) void this.#orLose(() => this.#roster.refresh());
				},
				lost: reason => this.#lose(reason),
			});
			await this.#bell.start();
		} catch (error) {
			if (isCurrent()) this.#lose(reasonOf(error));
		}
	}

	/** Realtime was joined: reads what was missed, then is live. */
	async #arrive(isCurrent: () => boolean): Promise<void> {
		try {
			// Without a cursor the first pass only finds the starting point, and emits nothing.
			if (!this.#catchUp.hasStart) await this.#pass(false);
			if (!isCurrent()) return;
			this.#setConnection({phase: 'catching_up'});
			await Promise.all([this.#pass(true), this.#roster.refresh()]);
			await this.#order.drained();
			if (!isCurrent()) return;
			this.#polling = false;
			this.#backoff.reset();
			this.#setConnection({phase: 'live'});
		} catch (error) {
			if (isCurrent()) this.#lose(reasonOf(error));
		}
	}

	#lose(reason: string): void {
		if (this.#closed) return;
		this.#attempt += 1;
		this.#bell?.close();
		this.#bell = null;
		this.#polling = false;
		this.#setConnection({phase: 'offline', retry_at: this.#backoff.schedule(), reason});
		// A broken socket says little. A request shows the reason, or that only Realtime is affected.
		void this.#poll();
	}

	/** Handles a doorbell: emits its row, then makes a pass, which moves the cursor and finds rows that were missed. */
	#change(table: Table, record: unknown): void {
		if (table !== 'messages') {
			if (!this.#roster.change(table, record)) void this.#orLose(() => this.#roster.refresh());
			return;
		}
		const row = rowOf(record);
		if (row === null || this.#connection.phase !== 'live') {
			void this.#orLose(() => this.#pass(false));
			return;
		}
		this.#catchUp.offer(this.#messages.message(row));
		if (typeof this.#about === 'object') return;
		this.#nextPass ??= setTimeout(
			() => {
				this.#nextPass = undefined;
				void this.#orLose(() => this.#pass(false));
			},
			// While a transaction stays open, the cursor stays behind and passes get long. They may take a quarter of the time.
			Math.max(passDelay, this.#passTook * 3),
		);
	}

	#redact(record: unknown): void {
		const row = rowOf(record);
		if (row === null) void this.#orLose(() => this.#roster.refresh());
		else this.#emitRedacted([this.#messages.message(row)]);
	}

	/** A message that was not emitted yet will be emitted without its text. */
	#emitRedacted(redacted: readonly Message[]): void {
		const messages = this.#order.replace(redacted);
		if (messages.length > 0) this.#emit({type: 'redacted', messages});
	}

	async #tick(): Promise<void> {
		const now = {wall: Date.now(), monotonic: performance.now()};
		// While the machine sleeps, the monotonic clock stops on some systems. The wall clock can be set back.
		const [wall, monotonic] = [now.wall - this.#lastTick.wall, now.monotonic - this.#lastTick.monotonic];
		const slept = Math.max(wall, monotonic, Math.abs(wall - monotonic)) > this.#idle + 10_000;
		this.#lastTick = now;
		this.#ticks += 1;
		const {phase} = this.#connection;
		if (slept && phase === 'live') {
			// The server has forgotten this socket, and we would only notice after a minute.
			this.#bell?.close();
			this.#backoff.reset();
			void this.#connect();
		} else if (phase === 'live') {
			await this.#orLose(() => this.#pass(true));
			if (this.#ticks % pollsPerRefresh === 0) await this.#orLose(() => this.#roster.refresh());
		} else if (phase !== 'catching_up') await this.#poll();
	}

	/** Polls the database while Realtime is away, and explains in the connection's reason whether that works. */
	async #poll(): Promise<void> {
		try {
			await this.#pass(true);
			await this.#roster.refresh();
			if (!this.#polling)
				this.#explain(reason => `${reason} Fetching new messages every ${this.#idle / 1000} seconds meanwhile.`);
			this.#polling = true;
		} catch (error) {
			this.#polling = false;
			this.#explain(() => reasonOf(error));
		}
	}

	#explain(explain: (reason: string) => string): void {
		const {phase} = this.#connection;
		if (phase !== 'offline') return;
		const reason = explain(this.#connection.reason);
		if (reason !== this.#connection.reason) this.#setConnection({...this.#connection, reason});
	}

	/** Reads while connected. A failure means that the connection is lost. */
	async #orLose(read: () => Promise<void>): Promise<void> {
		const attempt = this.#attempt;
		try {
			await read();
		} catch (error) {
			if (attempt === this.#attempt) this.#lose(reasonOf(error));
		}
	}

	async #pass(verify: boolean): Promise<void> {
		const start = performance.now();
		await this.#catchUp.run(verify);
		this.#passTook = performance.now() - start;
		this.#link.trace?.(`read new messages in ${this.#passTook.toFixed(1)} ms`);
		if (!this.#isReplaced) return;
		this.#isReplaced = false;
		// The new history also has other tasks, agents and receipts.
		const attempt = this.#attempt;
		const wasLive = this.#connection.phase === 'live';
		if (wasLive) this.#setConnection({phase: 'catching_up'});
		await this.#roster.refresh();
		if (wasLive && attempt === this.#attempt) this.#setConnection({phase: 'live'});
	}

	#setConnection(connection: Connection): void {
		const {phase} = connection;
		this.#link.trace?.(phase === 'offline' ? `${phase}: ${connection.reason}` : phase);
		this.#connection = connection;
		this.#emit({type: 'connection', connection});
	}

	#emit(event: MailboxEvent): void {
		if (this.#closed) return;
		try {
			this.#listener(event);
		} catch (error) {
			// An error of the listener does not mean that the connection is broken.
			queueMicrotask(() => {
				throw error;
			});
		}
	}
}

/** The row, or null if it is incomplete and has to be read from the database. */
function rowOf(record: unknown): MessageRow | null {
	if (record === null) return null;
	try {
		return readMessage(record);
	} catch (error) {
		if (error instanceof MailboxError) return null;
		throw error;
	}
}

function reasonOf(error: unknown): string {
	return error instanceof MailboxError ? error.sentence : `Unexpected error: ${String(error)}.`;
}
