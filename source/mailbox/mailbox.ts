import type {Agent, AgentUpdate, GroupChange, Identity} from './agent.ts';
import type {Approval, Decision} from './approval.ts';
import type {About, Busy, Cursor, MailboxEvent, Unsubscribe} from './event.ts';
import type {Filter} from './filter.ts';
import type {Draft, Message, Scheduled} from './message.ts';
import type {
	Channel,
	Checked,
	CheckOptions,
	HistoryQuery,
	InboxQuery,
	SearchPage,
	SearchPart,
	TakeOptions,
} from './query.ts';
import type {Receipt} from './receipt.ts';
import type {ChainHead, CheckedSeal} from './seal.ts';
import type {Doing, Sight, StopAsked} from './sight/sight.ts';
import type {SqlOptions, SqlRow} from './sql.ts';
import type {ChangeQuery, ControlChange, StateChange} from './state-change.ts';
import type {TableRow} from './table.ts';
import type {Tag} from './tag.ts';
import type {
	ClaimRenewal,
	PlanDraft,
	StepDraft,
	Task,
	TaskAttempt,
	TaskClaim,
	TaskDraft,
	TaskFilter,
	TaskOutcome,
} from './task.ts';

/**
 * The port through which every part of agentmux reads and writes. Methods reject only with MailboxError.
 */
export interface Mailbox {
	/** Who this mailbox acts as. */
	identity(): Promise<Identity>;

	/** One page of messages, oldest first. */
	history(query: HistoryQuery): Promise<Message[]>;

	/** Every tag that wrote or was addressed, by `last_id`, newest first. */
	channels(): Promise<Channel[]>;

	/** A cursor at the present: everything that is committed after this call is beyond it. */
	cursor(): Promise<Cursor>;

	/**
	 * Reports everything committed after `from` (null: only from now on), then live. Each message is reported exactly once per
	 * subscription, in the order of ids (docs/guarantees.md), whatever the connection does. With null, "now" is no later than the
	 * first `catching_up` event: a history that is read after it overlaps with the events and leaves no gap. Starts connecting
	 * immediately and never gives up. The newest tasks, agents and receipts, of those that it is
	 * `about`, are reported after each (re)connect, then as they change.
	 */
	subscribe(listener: (event: MailboxEvent) => void, from?: Cursor | null, about?: About): Unsubscribe;

	/** Reports about every second the statement that requests wait for; null when one was answered. Only for a hub on this machine. */
	watchBusy(listener: (busy: Busy | null) => void): Unsubscribe;

	/** Inserts a message once, however often it is called with the same `client_id`. Resolves with the row. */
	post(draft: Draft): Promise<Message>;

	/** Messages that are sent when they are due. */
	readonly scheduled: {
		/** Schedules a message once, however often it is called with the same `client_id`. `due`: ISO 8601, within a year. */
		post(draft: Draft, due: string): Promise<Scheduled>;
		/** Those that were not sent yet, by when they are due; for an agent its own. */
		list(): Promise<Scheduled[]>;
		/** Takes one back. Rejects with `not_found` if it was sent, or is another agent's. */
		cancel(id: number): Promise<Scheduled>;
	};

	/**
	 * Removes the text and meta of a message; its author and time stay. Resolves with the new row. Allowed for its author and for
	 * humans, who sign it; rejects with `forbidden` for others, and `not_found` if there is no such message. Idempotent.
	 */
	redact(id: number, reason?: string): Promise<Message>;

	/** Extends the chain of hashes over all messages, by a limited number at each call. Resolves with its head. */
	seal(): Promise<ChainHead>;
	/** Checks messages against their seals: a limited number of seals after the given one, up to the first fault. */
	checkSeals(after: number): Promise<CheckedSeal[]>;

	/**
	 * The messages in all of history that match a filter, newest first. `is:unread` counts as true, because the mailbox does not know
	 * what was read (filter.ts, storedPart).
	 */
	search(filter: Filter, page?: SearchPage): Promise<Message[]>;

	/**
	 * The same page in parts, each as soon as it was found: the first within milliseconds, however long the history is. Whoever stops
	 * asking for parts ends the search.
	 */
	searchParts(filter: Filter, page?: SearchPage): AsyncGenerator<SearchPart, void>;

	/** The messages that are addressed to the reader and not acked by it, oldest first. Reading marks nothing. */
	inbox(reader: Tag, query?: InboxQuery): Promise<Message[]>;

	/**
	 * Takes messages for the identity to hand over now: people's first, then agents', then those of SYSTEM, each oldest first. The oldest
	 * of all is among the first two, so that none waits without end. Takes those that nobody has taken yet, or whose lease ran out
	 * without an ack. They are leased to this caller for 30 s, so that two clients with the same tag never hand over the same message. A
	 * message that was delivered five times and never read is stuck and not taken again. At most `limit` (default 20), and no more
	 * than `bytes` (default 1 MB) of content after the first.
	 */
	take(options: TakeOptions): Promise<Message[]>;
	/** Takes as `take` does, and reads in the same request what is said beside the messages. */
	check(options: CheckOptions): Promise<Checked>;
	/**
	 * Gives back messages of a take that could not be handed over. Others may take them, the first time immediately, then after a
	 * growing pause. Does not affect messages that were handed over or taken again. Idempotent.
	 */
	release(takeId: string): Promise<void>;
	/**
	 * Marks messages as delivered to the identity's client, and to that session of it; to be called once the output was flushed. They
	 * can be taken again if they are neither read nor acked within ten minutes. Idempotent.
	 */
	deliver(ids: readonly number[], route: string, session?: string): Promise<void>;
	/**
	 * Gives back what was delivered to that session of the identity and not read, because it never will be: its model call failed, its
	 * turn was interrupted. Others may take it as after `release`. Idempotent.
	 */
	giveBack(session: string): Promise<void>;
	/** Says that a turn of that session has ended: it has read what it was delivered. Idempotent. */
	endTurn(session: string): Promise<void>;
	/** Ends sessions of the identity whose programs have died, and gives back what they had. Idempotent. */
	endSessions(sessions: readonly string[]): Promise<void>;
	/** The mail for which that session of the identity is to be woken now, oldest first; none if it is not. Counts the wake. */
	wake(session: string): Promise<Message[]>;
	/** Marks messages as acknowledged by the identity. Idempotent. */
	ack(ids: readonly number[], route: string): Promise<void>;
	receipts(ids: readonly number[]): Promise<Receipt[]>;

	readonly tasks: {
		list(filter?: TaskFilter): Promise<Task[]>;
		add(draft: TaskDraft): Promise<Task>;
		/**
		 * Adds a task with 1 to 100 steps; resolves with the task, then the steps. `inOrder`: each step depends on the one before, and
		 * the first on the task's own dependencies; otherwise each depends on those. `idem_key` applies to the whole plan.
		 */
		plan(draft: PlanDraft, steps: readonly StepDraft[], inOrder: boolean): Promise<Task[]>;
		/**
		 * Claims the next task for the identity: one that is assigned to it, in any queue, before those of its queues. Null if none is
		 * ready.
		 */
		claim(claim?: TaskClaim): Promise<Task | null>;
		/** The attempts at a task, oldest first, as far as they are known. */
		attempts(id: number): Promise<TaskAttempt[]>;
		/** Ends expired leases, and offers ready tasks to idle agents, as a hub does by itself. */
		tend(): Promise<void>;
		/** `progress`: 0 to 1. Rejects with `conflict` if the lease is lost. */
		progress(id: number, token: number, progress: number, note?: string): Promise<Task>;
		heartbeat(id: number, token: number, lease?: number): Promise<Task>;
		/**
		 * Renews claims of the identity in one request, and does what `tend` does; resolves with the ids of those that are still valid.
		 * `others`: the seconds for which its other claims are renewed. Not renewed: of what no progress was reported for six hours.
		 */
		renew(claims: readonly ClaimRenewal[], others?: number): Promise<readonly number[]>;
		/**
		 * Accepted once per claim; repeating it with the same outcome resolves the same way. Rejects with `conflict` for another outcome,
		 * and for a former owner. The newest claim stays valid until somebody else claims the task, even after its lease ran out.
		 */
		finish(id: number, token: number, outcome: TaskOutcome): Promise<Task>;
		/** Also cancels all its steps. Rejects with `conflict` if it has ended. */
		cancel(id: number, reason?: string): Promise<Task>;
		/**
		 * Queues a failed, dead or cancelled task again with all its attempts: for a plan also its steps that are not done, and tasks that
		 * were cancelled because they depend on it. Rejects with `conflict` for any other task, or if a dependency can never be done.
		 */
		retry(id: number, reason?: string): Promise<Task>;
		/** Allows only that tag to claim a queued task, or the queued steps of a plan; null allows everyone. */
		assign(id: number, assignee: Tag | null): Promise<Task>;
		/** Higher goes first. Rejects with `conflict` if it has ended. */
		prioritise(id: number, priority: number): Promise<Task>;
	};

	/** What agents' clients ask their users before they run a tool. An agent sees only what it asked itself. */
	readonly approvals: {
		/** The newest, newest first; at most `limit` (default 50). */
		list(options?: {readonly limit?: number}): Promise<Approval[]>;
		/** Rejects with `not_found`. */
		find(id: number): Promise<Approval>;
		/** Those for which somebody waits now, oldest first. Reading them as a human says that a human attends. */
		waiting(): Promise<Approval[]>;
		/**
		 * Answers a request, signed over exactly what was `shown`. Rejects with `conflict` if it was answered or nobody waits any more,
		 * `forbidden` for an agent.
		 */
		decide(shown: Approval, decision: Decision): Promise<Approval>;
	};

	/** What agents do now, beside their presence. An agent sees only itself. */
	readonly sight: {
		/** The agents of which anything is known, by tag. */
		list(): Promise<Sight[]>;
		/** Overwrites what the identity does now, in that session; null removes it. */
		show(doing: Doing | null, session?: string): Promise<void>;
		/**
		 * Asks the working clients of an agent, or of all agents (null), to stop before their next step. Resolves with those; none if
		 * none works. Rejects with `not_found` if the tag has not joined, `forbidden` for an agent.
		 */
		stop(tag: Tag | null, reason?: string): Promise<StopAsked[]>;
	};

	/**
	 * The first 50 rows of any table that the identity may read, by its plain name. Rejects with `invalid` if it is not a name,
	 * `not_found` if there is no such table, `forbidden` if it may not be read.
	 */
	table(name: string): Promise<TableRow[]>;

	/**
	 * Runs SQL as the mailbox's agent: all statements or none. Resolves with the rows of the last one that returns any. Rejects with
	 * `invalid`, and the database's message, if the database refuses it, and if the identity is not an agent.
	 */
	sql(statements: readonly string[], options?: SqlOptions): Promise<SqlRow[]>;

	/**
	 * The newest page of the changes of tasks and agents within a range, oldest first. If the page reaches the beginning of the range
	 * (it has fewer than `limit` changes), it starts with the last change before the range, for each agent and for each task that
	 * changed since.
	 */
	changes(query: ChangeQuery): Promise<StateChange[]>;
	/** What became of requests for permission, and pauses, in a period: as many of the newest as `limit` says, oldest first. */
	controlChanges(query: ChangeQuery): Promise<ControlChange[]>;

	agents(): Promise<Agent[]>;
	/** Adds the identity to `agents`, or updates its row. */
	touch(update: AgentUpdate): Promise<Agent>;
	/**
	 * Revokes an agent's access: all its requests are refused until it is restored. For humans and service keys; rejects with
	 * `forbidden` for an agent, `not_found` if the tag has not joined, `invalid` for the caller's own tag.
	 */
	revoke(tag: Tag): Promise<Agent>;
	/** Adds an agent to groups, and removes it from others. Resolves with its row. For humans. Rejects with `not_found` without such an agent. */
	group(tag: Tag, change: GroupChange): Promise<Agent>;
	/**
	 * Pauses an agent, or with null all of them and those that join until all are resumed. Resolves with the agents. For humans: rejects
	 * with `forbidden` for an agent. Idempotent.
	 */
	pause(tag: Tag | null, reason?: string): Promise<Agent[]>;
	/** Lets a paused agent go on, or with null all of them. Resolves with those that were paused. For humans. */
	resume(tag: Tag | null): Promise<Agent[]>;
	/** Focuses an agent, or with null all of them, or ends that. Resolves with the agents. For humans. Idempotent. */
	focus(tag: Tag | null, focused: boolean): Promise<Agent[]>;
	/** Lets an agent be woken again by those with whom it was damped. For humans and service keys. */
	undamp(tag: Tag): Promise<Agent>;
	/** Lets a revoked agent in again. Messages that came in the meantime wait for it. */
	restore(tag: Tag): Promise<Agent>;

	/** Ends subscriptions and sockets; later calls reject with `offline`. */
	close(): Promise<void>;
}
