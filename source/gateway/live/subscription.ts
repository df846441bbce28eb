import {MailboxError} from '../../mailbox/error.ts';
import type {Connection, Cursor, MailboxEvent, Replaced} from '../../mailbox/event.ts';
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
	/** Milliseconds between two looks when nothing rings, and while Realtime cannot be reached. */
	readonly idle: number;
	/** Milliseconds to wait after so many failures in a row. */
	readonly delayAfter?: (failures: number) => number;
}

/** The longest that the cursor may stay behind what was told from a doorbell's own payload. */
const settleAfter = 250;
/** How many idle looks until tasks, agents and receipts are told anew, in case their events were lost. */
const looksPerRefresh = 12;

/** What a subscriber follows, and by what it is read. */
interface Followed extends RosterSource {
	readonly link: Link;
	readonly pages: Source;
	readonly messages: MessageRows;
}

/** One subscriber's life: joins, catches up, is live, loses the connection, tries again, until it is closed. */
export class Subscription {
	readonly #link: Link;
	readonly #messages: MessageRows;
	readonly #listener: (event: MailboxEvent) => void;
	readonly #catchUp: CatchUp;
	readonly #order: IdOrder;
	readonly #roster: Roster;
	readonly #backoff: Backoff;
	readonly #idle: number;
	readonly #ticker: NodeJS.Timeout;
	#connection: Connection = {phase: 'connecting'};
	#bell: ChangeFeed | null = null;
	/** Counts attempts: what an earlier one says is not listened to. */
	#attempt = 0;
	#lastTick = {wall: Date.now(), monotonic: performance.now()};
	#looks = 0;
	/** While Realtime cannot be reached: whether the database can. */
	#polling = false;
	#settling: NodeJS.Timeout | undefined;
	#passTook = 0;
	/** The history was replaced, and only its messages have been read so far. */
	#isReplaced = false;
	#closed = false;

	constructor(
		{link, pages, messages, ...roster}: Followed,
		listener: (event: MailboxEvent) => void,
		from: Cursor | null,
		{idle, delayAfter}: Timing,
	) {
		this.#link = link;
		this.#messages = messages;
		this.#listener = listener;
		this.#idle = idle;
		this.#backoff = new Backoff(() => void this.#connect(), delayAfter);
		const inOrder = {
			messages: (messages: readonly Message[]) => this.#tell({type: 'messages', messages}),
			cursor: (cursor: Cursor) => this.#tell({type: 'cursor', cursor}),
		};
		this.#order = new IdOrder(inOrder, () => this.#look(() => this.#pass(false)), from?.id ?? null);
		const told = {
			messages: (messages: readonly Message[]) => this.#order.add(messages),
			cursor: (cursor: Cursor) => this.#order.cursor(cursor),
			began: (id: number) => this.#order.begin(id),
			replaced: (replaced: Replaced) => {
				this.#isReplaced = true;
				this.#order.restart(replaced.common ?? 0);
				this.#tell({type: 'replaced', ...replaced});
			},
		};
		this.#catchUp = new CatchUp(pages, told, from);
		this.#roster = new Roster(roster, event =>
			event.type === 'redacted' ? this.#tellRedacted(event.messages) : this.#tell(event),
		);
		this.#ticker = setInterval(() => void this.#tick(), idle);
		// Whoever subscribes has its function back before it hears the first event.
		queueMicrotask(() => void this.#connect());
	}

	close(): void {
		this.#closed = true;
		this.#attempt += 1;
		this.#bell?.close();
		this.#backoff.reset();
		this.#order.close();
		clearInterval(this.#ticker);
		clearTimeout(this.#settling);
	}

	async #connect(): Promise<void> {
		if (this.#closed) return;
		const attempt = ++this.#attempt;
		const isCurrent = (): boolean => attempt === this.#attempt;
		this.#turn({phase: 'connecting'});
		try {
			if (attempt > 1) await this.#link.rediscover();
			const client = await this.#link.fresh();
			if (!isCurrent()) return;
			this.#bell = new ChangeFeed(client, {
				joined: () => void this.#arrive(isCurrent),
				changed: (table, record) => this.#change(table, record),
				redacted: record => this.#redact(record),
				lost: reason => this.#lose(reason),
			});
			await this.#bell.hang();
		} catch (error) {
			if (isCurrent()) this.#lose(reasonOf(error));
		}
	}

	/** Joined: what was missed first, then live. */
	async #arrive(isCurrent: () => boolean): Promise<void> {
		try {
			// Without a cursor the first pass finds out where "now" is, and tells nothing.
			if (!this.#catchUp.placed) await this.#pass(false);
			if (!isCurrent()) return;
			this.#turn({phase: 'catching_up'});
			await Promise.all([this.#pass(true), this.#roster.refresh()]);
			await this.#order.drained();
			if (!isCurrent()) return;
			this.#polling = false;
			this.#backoff.reset();
			this.#turn({phase: 'live'});
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
		this.#turn({phase: 'offline', retry_at: this.#backoff.schedule(), reason});
		// A broken socket says little: a request says why, or that it is Realtime alone.
		void this.#poll();
	}

	/** The doorbell. What it brings is told at once, or in its turn; a pass behind it moves the cursor, and finds what it missed. */
	#change(table: Table, record: unknown): void {
		if (table !== 'messages') {
			if (!this.#roster.change(table, record)) void this.#look(() => this.#roster.refresh());
			return;
		}
		const row = rowOf(record);
		if (row === null || this.#connection.phase !== 'live') {
			void this.#look(() => this.#pass(false));
			return;
		}
		this.#catchUp.offer(this.#messages.message(row));
		this.#settling ??= setTimeout(
			() => {
				this.#settling = undefined;
				void this.#look(() => this.#pass(false));
			},
			// A transaction that stays open keeps the cursor behind, and passes long: they may take a quarter of the time.
			Math.max(settleAfter, this.#passTook * 3),
		);
	}

	#redact(record: unknown): void {
		const row = rowOf(record);
		if (row === null) void this.#look(() => this.#roster.refresh());
		else this.#tellRedacted([this.#messages.message(row)]);
	}

	/** A message that was not told yet is told without its text. */
	#tellRedacted(redacted: readonly Message[]): void {
		const messages = this.#order.replace(redacted);
		if (messages.length > 0) this.#tell({type: 'redacted', messages});
	}

	async #tick(): Promise<void> {
		const now = {wall: Date.now(), monotonic: performance.now()};
		// Asleep, one of the two clocks stands still on some systems; put back, the other one runs backwards.
		const [wall, monotonic] = [now.wall - this.#lastTick.wall, now.monotonic - this.#lastTick.monotonic];
		const slept = Math.max(wall, monotonic, Math.abs(wall - monotonic)) > this.#idle + 10_000;
		this.#lastTick = now;
		this.#looks += 1;
		const {phase} = this.#connection;
		if (slept && phase === 'live') {
			// The other end has forgotten this socket, and this end would notice in a minute.
			this.#bell?.close();
			this.#backoff.reset();
			void this.#connect();
		} else if (phase === 'live') {
			await this.#look(() => this.#pass(true));
			if (this.#looks % looksPerRefresh === 0) await this.#look(() => this.#roster.refresh());
		} else if (phase !== 'catching_up') await this.#poll();
	}

	/** While there is no doorbell: looks whether the database can be reached all the same, and says so. */
	async #poll(): Promise<void> {
		try {
			await this.#pass(true);
			await this.#roster.refresh();
			if (!this.#polling)
				this.#explain(reason => `${reason} Meanwhile new messages are fetched every ${this.#idle / 1000} seconds.`);
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
		if (reason !== this.#connection.reason) this.#turn({...this.#connection, reason});
	}

	/** Reads while connected; a failure means that it is no longer so. */
	async #look(read: () => Promise<void>): Promise<void> {
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
		this.#link.trace?.(`read what is new in ${this.#passTook.toFixed(1)} ms`);
		if (!this.#isReplaced) return;
		this.#isReplaced = false;
		// Its tasks, agents and receipts are others, too.
		const attempt = this.#attempt;
		const wasLive = this.#connection.phase === 'live';
		if (wasLive) this.#turn({phase: 'catching_up'});
		await this.#roster.refresh();
		if (wasLive && attempt === this.#attempt) this.#turn({phase: 'live'});
	}

	#turn(connection: Connection): void {
		const {phase} = connection;
		this.#link.trace?.(phase === 'offline' ? `${phase}: ${connection.reason}` : phase);
		this.#connection = connection;
		this.#tell({type: 'connection', connection});
	}

	#tell(event: MailboxEvent): void {
		if (this.#closed) return;
		try {
			this.#listener(event);
		} catch (error) {
			// A fault of the listener's, and no reason to take the connection for broken.
			queueMicrotask(() => {
				throw error;
			});
		}
	}
}

/** Null for a row that did not come as it should: then it is read from the database. */
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
	return error instanceof MailboxError ? error.sentence : `Something unexpected: ${String(error)}.`;
}
