import type {Agent, Identity, Sign} from './agent.ts';
import type {Busy, Cursor, MailboxEvent, Unsubscribe} from './event.ts';
import type {Filter} from './filter.ts';
import type {Draft, Message} from './message.ts';
import type {Channel, HistoryQuery, InboxQuery, SearchPage, TakeOptions} from './query.ts';
import type {Receipt} from './receipt.ts';
import type {ChainHead, CheckedSeal} from './seal.ts';
import type {SqlOptions, SqlRow} from './sql.ts';
import type {ChangeQuery, StateChange} from './state-change.ts';
import type {TableRow} from './table.ts';
import type {Tag} from './tag.ts';
import type {PlanDraft, StepDraft, Task, TaskClaim, TaskDraft, TaskFilter, TaskOutcome} from './task.ts';

/**
 * The port through which every part of agentmux reads and writes. Every method rejects with a
 * MailboxError and nothing else.
 */
export interface Mailbox {
	/** Who this mailbox writes as. */
	identity(): Promise<Identity>;

	/** One page of messages by the query, oldest first. */
	history(query: HistoryQuery): Promise<Message[]>;

	/** Every tag that wrote or was addressed, by `last_id`, newest first. */
	channels(): Promise<Channel[]>;

	/** A cursor at the present: whatever was not yet committed when it was made lies beyond it. */
	cursor(): Promise<Cursor>;

	/**
	 * Hears everything committed after `from` (null: only what comes now), then live; each message exactly once per
	 * subscription, in the order of ids (docs/guarantees.md), whatever the connection does. With null, "now" is at the latest when `catching_up` is heard first: a
	 * history that is read after that overlaps with what is told, and leaves no gap. Starts connecting at once and never
	 * gives up; the newest tasks, agents and receipts are told after each (re)connect, then as they change.
	 */
	subscribe(listener: (event: MailboxEvent) => void, from?: Cursor | null): Unsubscribe;

	/** Hears, about each second, which statement requests wait for; null when one was answered. Of a hub on this machine alone. */
	watchBusy(listener: (busy: Busy | null) => void): Unsubscribe;

	/** Inserts once, however often it is tried under the same `client_id`; resolves with the row. */
	post(draft: Draft): Promise<Message>;

	/**
	 * Takes text and meta out of a message and keeps who wrote it when; resolves with the row as it is now. For its author and
	 * humans, who sign it; rejects with `forbidden` for others, `not_found` where there is no such message. Repeats change nothing.
	 */
	redact(id: number, reason?: string): Promise<Message>;

	/** Adds to the chain of hashes over all messages, a part of what is to be added at each call; resolves with where it ends. */
	seal(): Promise<ChainHead>;
	/** Looks whether messages are still what was sealed: the seals after one, as many as take a moment, up to the first fault. */
	checkSeals(after: number): Promise<CheckedSeal[]>;

	/**
	 * What a filter lets through of all of history, newest first. `is:unread` is what somebody looked at, which the mailbox
	 * does not know: it counts as true here (filter.ts, storedPart).
	 */
	search(filter: Filter, page?: SearchPage): Promise<Message[]>;

	/** What is addressed to the reader and not acked by it, oldest first. Reading marks nothing. */
	inbox(reader: Tag, query?: InboxQuery): Promise<Message[]>;

	/**
	 * What is addressed to the identity and to be handed over now, oldest first: by nobody yet, or not acked when its lease
	 * ran out. Leased to this caller for 30 s, so that two clients under one tag never hand over the same message; a message
	 * handed over five times without an ack is stuck and not taken again. At most `limit`, 20 when absent, and after the first
	 * no more than 1 MB of content.
	 */
	take(options: TakeOptions): Promise<Message[]>;
	/**
	 * Gives back what a take of the identity holds and could not hand over: others may take it, at once the first time and
	 * later with each further one. What was handed over, or taken again, stays as it is. Repeats change nothing.
	 */
	release(takeId: string): Promise<void>;
	/**
	 * Marks messages as handed over to the identity's client, once its output was really flushed; they are taken again when
	 * they are not acked within ten minutes. Repeats change nothing.
	 */
	deliver(ids: readonly number[], route: string): Promise<void>;
	/** Marks messages as acknowledged by the identity. Repeats change nothing. */
	ack(ids: readonly number[], route: string): Promise<void>;
	receipts(ids: readonly number[]): Promise<Receipt[]>;

	readonly tasks: {
		list(filter?: TaskFilter): Promise<Task[]>;
		add(draft: TaskDraft): Promise<Task>;
		/**
		 * Adds a task with 1 to 100 steps at once; resolves with it and then the steps. `inOrder`: each step depends on the
		 * one before, and the first on what the task depends on; otherwise each depends on that. `idem_key` covers all of it.
		 */
		plan(draft: PlanDraft, steps: readonly StepDraft[], inOrder: boolean): Promise<Task[]>;
		/** The next task for the identity, or null when none is ready. */
		claim(claim?: TaskClaim): Promise<Task | null>;
		/** `progress` 0 to 1. Rejects with `conflict` when the lease is lost. */
		progress(id: number, token: number, progress: number, note?: string): Promise<Task>;
		heartbeat(id: number, token: number, lease?: number): Promise<Task>;
		/**
		 * Accepted once per claim, and the same again resolves alike. Rejects with `conflict` for another outcome and for a late
		 * owner: the newest claim holds until somebody makes another, also when its lease ran out.
		 */
		finish(id: number, token: number, outcome: TaskOutcome): Promise<Task>;
		/** With all its steps. Rejects with `conflict` when it has ended. */
		cancel(id: number): Promise<Task>;
		/**
		 * Queues again what failed, died or was cancelled, with all its attempts before it: a plan with what of it was not
		 * done, and what was cancelled because it waits for it. Rejects with `conflict` for any other, or when it waits itself
		 * for what will never be done.
		 */
		retry(id: number): Promise<Task>;
		/** Lets only that tag claim it, a queued task or the queued steps of a plan; null: whoever asks first. */
		assign(id: number, assignee: Tag | null): Promise<Task>;
		/** Higher goes first. Rejects with `conflict` when it has ended. */
		prioritise(id: number, priority: number): Promise<Task>;
	};

	/**
	 * The first 50 rows of any table that the identity may read, by its plain name. Rejects with `invalid` for what is no
	 * name, `not_found` where there is no such table, `forbidden` where it may not be read.
	 */
	table(name: string): Promise<TableRow[]>;

	/**
	 * Runs SQL as the agent that this mailbox is: all statements or none; resolves with the rows of the last that returns any.
	 * Rejects with `invalid` for what the database refuses, in its words, and for callers that are not agents.
	 */
	sql(statements: readonly string[], options?: SqlOptions): Promise<SqlRow[]>;

	/**
	 * How tasks and agents changed within a range, oldest first: the newest page of it. When the page reaches back to the
	 * beginning of the range (it has fewer than `limit` changes of it), the last change before it stands in front, of each
	 * agent and of each task that changed since.
	 */
	changes(query: ChangeQuery): Promise<StateChange[]>;

	agents(): Promise<Agent[]>;
	/** Writes the identity into `agents` (joining it) or refreshes it. */
	touch(sign: Sign): Promise<Agent>;
	/**
	 * Takes from an agent the right to take part: whatever it asks for rejects with `forbidden`, until it is restored. For
	 * humans and service keys; rejects with `forbidden` for an agent, `not_found` for who has not joined, `invalid` for oneself.
	 */
	revoke(tag: Tag): Promise<Agent>;
	/** Lets it in again. What came meanwhile waits for it. */
	restore(tag: Tag): Promise<Agent>;

	/** Ends subscriptions and sockets; later calls reject with `offline`. */
	close(): Promise<void>;
}
