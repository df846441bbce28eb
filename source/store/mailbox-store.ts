import {createStore} from 'zustand/vanilla';
import type {Unsubscribe} from '../mailbox/event.ts';
import type {Filter} from '../mailbox/filter.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {SearchPage} from '../mailbox/query.ts';
import type {ReceiptState} from '../mailbox/receipt.ts';
import {createAcknowledger} from './acknowledger.ts';
import {createFollower} from './follower.ts';
import {HistoryStore} from './history-store.ts';
import type {TableRow} from '../mailbox/table.ts';
import type {Task} from '../mailbox/task.ts';
import type {FeedId} from './feed.ts';
import {createIntake, type Intake} from './intake.ts';
import {loadReceipts} from './loading.ts';
import {Outbox} from './outbox.ts';
import {createPager} from './pager.ts';
import type {SeenMarks} from './seen-marks.ts';
import {emptyState, type State} from './state.ts';

export interface MailboxStore {
	getState(): State;
	subscribe(listener: (state: State) => void): Unsubscribe;
	/** Settles when the first page has been read; rejects with the MailboxError that kept the mailbox from opening. */
	readonly ready: Promise<void>;
	/**
	 * Shows the draft as pending at once and sends it, after those that were posted before. What cannot be reached is tried
	 * again until it is; resolves with null then, or with the sentence for which it was refused (the pending draft keeps its
	 * text until withdrawn).
	 */
	post(draft: Draft): Promise<string | null>;
	/** Takes an unsent draft out of the list; whoever calls it keeps the text. */
	withdraw(clientId: string): void;
	/** What the timeline looks back on. */
	readonly history: HistoryStore;
	/** Reads one message with its receipts, wherever it lies, into `history`. */
	loadMessage(id: number): Promise<void>;
	/**
	 * Says that somebody looks back in a feed, with this id at the bottom edge: what lies around it is kept, what is far away
	 * may be dropped. Null: it follows the newest again, and what was read back may go.
	 */
	look(feed: FeedId, around: number | null): void;
	/** Reads the next older page of a feed; false when there is nothing older. */
	loadOlder(feed: FeedId): Promise<boolean>;
	/** Reads the next page towards the present, where newer ones were dropped; false when nothing is missing. */
	loadNewer(feed: FeedId): Promise<boolean>;
	/** Reads the beginning of a feed instead of what was read back of it. */
	loadOldest(feed: FeedId): Promise<void>;
	/** Reads what lies around an id instead of what was read back, so that it can be looked at. */
	loadAround(feed: FeedId, id: number): Promise<void>;
	/** Reads the newest of a thread, wherever it lies. */
	loadThread(root: number): Promise<void>;
	/** One message, wherever it lies; null when there is none of this id. */
	find(id: number): Promise<Message | null>;
	/** What the mailbox finds in all of history, newest first; how far each came is known then, too. Rejects with a MailboxError. */
	search(filter: Filter, page: SearchPage): Promise<readonly Message[]>;
	/** Up to where the human had read at an earlier start; to be said before `ready`. */
	remember(seen: SeenMarks): void;
	markSeen(feed: FeedId, id: number): void;
	/** Says that messages addressed to the identity were shown to it, or dealt with. Repeats and failures change nothing. */
	acknowledge(ids: readonly number[], state: Exclude<ReceiptState, 'taken'>): Promise<void>;
	/** Asks something of the tasks; what comes of it is in the state at once. Rejects with MailboxError. */
	askTasks(ask: (tasks: Mailbox['tasks']) => Promise<Task | readonly Task[]>): Promise<readonly Task[]>;
	/** Takes out what a message says, for everybody; the state says so at once. Rejects with MailboxError. */
	redact(id: number): Promise<void>;
	/** The first rows of a table, as the mailbox's `table`. Rejects with MailboxError. */
	readTable(name: string): Promise<readonly TableRow[]>;
	/** Ends the subscription and closes the mailbox. */
	close(): Promise<void>;
}

/** One store over one mailbox, which may still be opening: the state is there at once, as `connecting`. */
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
		receiptsOf: async messages => loadReceipts(await opening, apply, messages),
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
	const ready = follower.start();
	// Whoever shows the state sees that nothing came; the error itself is for the one who awaits it.
	ready.catch(() => {});

	async function find(id: number): Promise<Message | null> {
		const [message] = await (await opening).history({after: id - 1, before: id + 1, limit: 1});
		return message ?? null;
	}

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
		remember: follower.remember,
		markSeen(feed, id) {
			apply({type: 'seen', feed, id});
		},
		acknowledge,
		async askTasks(ask) {
			const answer = await ask((await opening).tasks);
			const tasks = Array.isArray(answer) ? (answer as readonly Task[]) : [answer as Task];
			apply({type: 'tasks', tasks});
			return tasks;
		},
		async redact(id) {
			const messages = [await (await opening).redact(id)];
			history.redact(messages);
			apply({type: 'redacted', messages});
		},
		readTable: async name => (await opening).table(name),
		async close() {
			intake.close();
			follower.close();
			outbox.close();
			const opened = await opening.catch(() => null);
			await opened?.close();
		},
	};
}

/** Sends what was posted, and says in the state what becomes of it. */
function createOutbox(opening: Promise<Mailbox>, state: () => State, apply: Intake['apply']): Outbox {
	return new Outbox({
		async send(given) {
			const opened = await opening;
			// Another history may have come, in which it is no reply any more.
			const now = state().pending.find(pending => pending.draft.client_id === given.client_id);
			const draft = now?.draft ?? given;
			const message = await opened.post(draft);
			apply({type: 'messages', messages: [message]});
			// Should the mailbox answer without naming our key: the row is there, so nothing is pending.
			apply({type: 'withdrawn', client_id: draft.client_id});
		},
		shown: pending => apply({type: 'sending', pending}),
		unsent: (client_id, phase, failure) => apply({type: 'unsent', client_id, phase, failure}),
		isWanted: clientId => state().pending.some(({draft}) => draft.client_id === clientId),
	});
}
