import {createStore} from 'zustand/vanilla';
import type {Approval, Decision} from '../mailbox/approval.ts';
import type {Unsubscribe} from '../mailbox/event.ts';
import type {Filter} from '../mailbox/filter.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {SearchPage, SearchPart} from '../mailbox/query.ts';
import type {ReceiptState} from '../mailbox/receipt.ts';
import type {Tag} from '../mailbox/tag.ts';
import {createAcknowledger} from './acknowledger.ts';
import {ApprovalWatch} from './approval-watch.ts';
import {createFollower} from './follower.ts';
import {HistoryStore} from './history-store.ts';
import type {TableRow} from '../mailbox/table.ts';
import type {Task, TaskAttempt} from '../mailbox/task.ts';
import type {FeedId} from './state/feed.ts';
import {createIntake, type Intake} from './intake.ts';
import {findMessage, loadReceipts} from './loading.ts';
import {Outbox} from './outbox.ts';
import {createPager} from './pager.ts';
import type {SeenMarks} from './state/seen-marks.ts';
import {emptyState, type State} from './state/state.ts';

export interface MailboxStore {
	getState(): State;
	subscribe(listener: (state: State) => void): Unsubscribe;
	/** Resolves when the first page has been read; rejects with the MailboxError that kept the mailbox from opening. */
	readonly ready: Promise<void>;
	/**
	 * Shows the draft as pending immediately and sends it, after those that were posted before. While the mailbox cannot be reached,
	 * sending is tried again. Resolves with null when it was sent, or with the reason for which it was refused (the pending
	 * draft then keeps its text until it is withdrawn).
	 */
	post(draft: Draft): Promise<string | null>;
	/** Removes an unsent draft from the list; the caller keeps the text. */
	withdraw(clientId: string): void;
	/** The data of the timeline. */
	readonly history: HistoryStore;
	/** Reads one message with its receipts, however old, into `history`. */
	loadMessage(id: number): Promise<void>;
	/**
	 * Tells the store that the human scrolled back in a feed to this id at the bottom edge: messages near it are kept, and those far
	 * away may be dropped. Null: the feed follows the newest message again, and its scrollback may be dropped.
	 */
	look(feed: FeedId, around: number | null): void;
	/** Reads the next older page of a feed; resolves with false if there is none. */
	loadOlder(feed: FeedId): Promise<boolean>;
	/** Reads the next newer page of a feed whose newer ones were dropped; resolves with false if none is missing. */
	loadNewer(feed: FeedId): Promise<boolean>;
	/** Replaces the scrollback of a feed with its beginning. */
	loadOldest(feed: FeedId): Promise<void>;
	/** Replaces the scrollback of a feed with the messages around an id. */
	loadAround(feed: FeedId, id: number): Promise<void>;
	/** Reads the newest messages of a thread, however old. */
	loadThread(root: number): Promise<void>;
	/** One message, however old; null if there is no message with this id. */
	find(id: number): Promise<Message | null>;
	/** Searches all of history, newest first, and loads the receipts of the results. Rejects with MailboxError. */
	search(filter: Filter, page: SearchPage): Promise<readonly Message[]>;
	/** The same page in parts, like the mailbox's. */
	searchParts(filter: Filter, page: SearchPage): AsyncGenerator<SearchPart, void>;
	/** Sets up to where the human had read at an earlier start; to be called before `ready`. */
	remember(seen: SeenMarks): void;
	markSeen(feed: FeedId, id: number): void;
	/** Reports that messages addressed to the identity were shown to it, or marked as done. Repeats and failures change nothing. */
	acknowledge(ids: readonly number[], state: Exclude<ReceiptState, 'taken'>): Promise<void>;
	/** Calls the mailbox's tasks, and puts the resulting rows into the state. Rejects with MailboxError. */
	changeTasks(change: (tasks: Mailbox['tasks']) => Promise<Task | readonly Task[]>): Promise<readonly Task[]>;
	/** Removes the text of a message, for everybody, and puts the remaining row into the state. Rejects with MailboxError. */
	redact(id: number): Promise<void>;
	/** Answers a request for permission as it was shown, signed. Resolves with the row; rejects with MailboxError. */
	decide(shown: Approval, decision: Decision): Promise<Approval>;
	/** Lets a damped agent be woken again, and puts its row into the state. Rejects with MailboxError. */
	undamp(tag: Tag): Promise<void>;
	/** The first rows of a table, like the mailbox's `table`. Rejects with MailboxError. */
	readTable(name: string): Promise<readonly TableRow[]>;
	/** The attempts at a task, like the mailbox's. Rejects with MailboxError. */
	readAttempts(id: number): Promise<readonly TaskAttempt[]>;
	/** Ends the subscription and closes the mailbox. */
	close(): Promise<void>;
}

/** Creates a store for a mailbox, which may still be opening: until then the state's connection is `connecting`. */
export function createMailboxStore(mailbox: Mailbox | Promise<Mailbox>): MailboxStore {
	const store = createStore<State>(() => emptyState);
	const opening = Promise.resolve(mailbox);
	const intake = createIntake(store);
	const {apply} = intake;
	const history = new HistoryStore(opening, store.getState);
	const outbox = createOutbox(opening, store.getState, apply);
	const {acknowledge, restart} = createAcknowledger(opening, apply);
	const pager = createPager({
		state: store.getState,
		apply,
		history: async query => (await opening).history(query),
		loadReceipts: async messages => loadReceipts(await opening, apply, messages),
	});
	const follower = createFollower({
		opening,
		intake,
		state: store.getState,
		onEvent(event) {
			if (event.type === 'redacted') history.redact(event.messages);
			if (event.type === 'replaced') {
				restart();
				history.restart();
			}
			if (event.type === 'connection' && event.connection.phase === 'live') outbox.retry();
		},
	});
	const approvals = new ApprovalWatch({opening, apply, state: store});
	const ready = follower.start();
	// The error is for callers that await `ready`; without one it must not end the process.
	ready.catch(() => {});

	const find = async (id: number): Promise<Message | null> => findMessage(await opening, id);

	return {
		getState: store.getState,
		subscribe: listener => store.subscribe(listener),
		ready,
		post: draft => outbox.post(draft),
		withdraw(client_id) {
			apply({type: 'withdrawn', client_id});
			outbox.retry();
		},
		look: (feed, around) => apply({type: 'look', feed, around}),
		...pager,
		history,
		find,
		async loadMessage(id) {
			const message = await find(id);
			if (message === null) return;
			await loadReceipts(await opening, apply, [message]);
			history.keep(message);
		},
		async search(filter, page) {
			const opened = await opening;
			const messages = await opened.search(filter, page);
			await loadReceipts(opened, apply, messages);
			return messages;
		},
		async *searchParts(filter, page) {
			const opened = await opening;
			for await (const part of opened.searchParts(filter, page)) {
				await loadReceipts(opened, apply, part.messages);
				yield part;
			}
		},
		remember: follower.remember,
		markSeen(feed, id) {
			apply({type: 'seen', feed, id});
		},
		acknowledge,
		async changeTasks(change) {
			const changed = await change((await opening).tasks);
			const tasks = Array.isArray(changed) ? (changed as readonly Task[]) : [changed as Task];
			apply({type: 'tasks', tasks});
			return tasks;
		},
		async redact(id) {
			const messages = [await (await opening).redact(id)];
			history.redact(messages);
			apply({type: 'redacted', messages});
		},
		decide: approvals.decide,
		async undamp(tag) {
			apply({type: 'agents', agents: [await (await opening).undamp(tag)]});
		},
		readTable: async name => (await opening).table(name),
		readAttempts: async id => (await opening).tasks.attempts(id),
		async close() {
			intake.close();
			approvals.close();
			follower.close();
			outbox.close();
			const opened = await opening.catch(() => null);
			await opened?.close();
		},
	};
}

/** An outbox that shows the progress of its messages in the state. */
function createOutbox(opening: Promise<Mailbox>, state: () => State, apply: Intake['apply']): Outbox {
	return new Outbox({
		async send(given) {
			const opened = await opening;
			// If the history was replaced, it may not be a reply any more.
			const now = state().pending.find(pending => pending.draft.client_id === given.client_id);
			const draft = now?.draft ?? given;
			const message = await opened.post(draft);
			apply({type: 'messages', messages: [message]});
			// In case the row does not have our client_id: it was sent, so it is not pending any more.
			apply({type: 'withdrawn', client_id: draft.client_id});
		},
		onPending: pending => apply({type: 'sending', pending}),
		onUnsent: (client_id, phase, failure) => apply({type: 'unsent', client_id, phase, failure}),
		isWanted: clientId => state().pending.some(({draft}) => draft.client_id === clientId),
	});
}
