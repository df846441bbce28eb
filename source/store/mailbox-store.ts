import {createStore} from 'zustand/vanilla';
import {MailboxError} from '../mailbox/error.ts';
import type {MailboxEvent, Unsubscribe} from '../mailbox/event.ts';
import type {Filter} from '../mailbox/filter/filter.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {SearchPage} from '../mailbox/query.ts';
import type {ReceiptState} from '../mailbox/receipt.ts';
import {RecentMap} from '../mailbox/recent.ts';
import {HistoryStore} from './history-store.ts';
import type {TableRow} from '../mailbox/table.ts';
import type {Task} from '../mailbox/task.ts';
import type {FeedId} from './feed.ts';
import {Outbox} from './outbox.ts';
import {createPager} from './pager.ts';
import {reduce, type Change} from './reduce.ts';
import {marksIn, seenMarksOf, type SeenMarks} from './seen-marks.ts';
import {emptyState, type State} from './state.ts';

/** How many of the newest messages are kept. */
const windowSize = 5000;
/** Trimming copies the window, so it waits until this many are over. */
const slack = 500;
const firstPage = 500;
/** Receipts that are not sent again; what was told before them changes nothing when it is told twice. */
const maxTold = 4 * windowSize;

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
	/** Reads one message with its receipts, wherever it lies, into `chronicle`. */
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
	/** What was already said of which message. */
	const told = new RecentMap<string, true>(maxTold);
	let unsubscribe: Unsubscribe = () => {};
	let unwatch: Unsubscribe = () => {};
	let closed = false;
	let kept: SeenMarks | null = null;
	/** The history that came in the place of another, until it has been read, with what had been read of it. */
	let unread: {readonly epoch: string; readonly kept: SeenMarks | null} | null = null;
	let reading = false;

	/** What the subscription told since the last turn of the event loop. */
	let derived: Message[] = [];

	/**
	 * Messages are told one by one, and those that came together are taken in together: each time the window is copied, and
	 * everything that shows it looks again. What is told after them finds them there.
	 */
	const hear = (event: MailboxEvent): void => {
		if (event.type !== 'messages') {
			apply(event);
			return;
		}
		if (derived.length === 0) queueMicrotask(takeIn);
		derived.push(...event.messages);
	};
	const takeIn = (): void => {
		const messages = derived;
		derived = [];
		if (messages.length > 0) apply({type: 'messages', messages});
	};

	const apply = (change: Change): void => {
		if (derived.length > 0) takeIn();
		if (closed) return;
		let next = reduce(store.getState(), change);
		if (next.messages.length > windowSize + slack) next = reduce(next, {type: 'trim', keep: windowSize});
		if (next !== store.getState()) store.setState(next, true);
	};

	/** The first time that the subscription is joined. */
	const joined = Promise.withResolvers<void>();

	async function start(): Promise<void> {
		const opened = await opening;
		if (closed) return;
		unwatch = opened.watchBusy(busy => apply({type: 'busy', busy}));
		apply({type: 'identity', identity: await opened.identity()});
		// Where the subscription begins is known before history is read, so the two overlap and nothing falls between them.
		const from = await unlessOffline(opened.cursor());
		const early = from !== null && (await unlessOffline(load(opened).then(() => true))) !== null ? from : null;
		if (closed) return;
		if (early !== null) apply({type: 'loaded', epoch: early.epoch, kept});
		unsubscribe = opened.subscribe(event => {
			// What was read of the history before holds up to where both are one.
			const marks = event.type === 'replaced' ? (unread?.kept ?? seenMarksOf(store.getState())) : null;
			hear(event);
			if (event.type === 'redacted') history.redact(event.messages);
			if (event.type === 'replaced') {
				told.clear();
				history.restart();
				unread = {epoch: event.epoch, kept: marks === null ? null : marksIn(event, marks)};
				void reload(opened);
			}
			if (event.type !== 'connection') return;
			const {phase} = event.connection;
			if (phase === 'catching_up' || phase === 'live') joined.resolve();
			if (phase === 'live') outbox.retry();
			if (phase === 'live') void reload(opened);
		}, from);
		if (early !== null) return;
		// It cannot be reached yet: the subscription says so, and goes on trying.
		await joined.promise;
		// The connection may break again while it is read.
		for (;;) {
			if (closed) return;
			if ((await unlessOffline(load(opened).then(() => true))) !== null) break;
			await new Promise(resolve => setTimeout(resolve, loadAgain));
		}
		if (closed) return;
		const cursor = await unlessOffline(opened.cursor());
		apply({type: 'loaded', epoch: cursor?.epoch ?? null, kept});
	}

	/** Reads another database that came, unless it is being read; where that fails, it is read when the connection is live again. */
	async function reload(opened: Mailbox): Promise<void> {
		if (unread === null || reading) return;
		const current = unread;
		reading = true;
		const done = await load(opened).then(
			() => true,
			() => false,
		);
		reading = false;
		if (!done) return;
		// And yet another one has come meanwhile.
		if (unread !== current) return reload(opened);
		unread = null;
		apply({type: 'loaded', ...current});
	}

	async function load(opened: Mailbox): Promise<void> {
		await Promise.all([
			loadRecent(opened),
			opened.channels().then(channels => apply({type: 'channels', channels})),
			opened.agents().then(agents => apply({type: 'agents', agents})),
			opened.tasks.list().then(tasks => apply({type: 'tasks', tasks})),
		]);
	}

	async function loadRecent(opened: Mailbox): Promise<void> {
		const messages = await opened.history({limit: firstPage});
		apply({type: 'recent', messages, complete: messages.length < firstPage});
		await loadReceipts(opened, messages);
	}

	async function loadReceipts(opened: Mailbox, messages: readonly Message[]): Promise<void> {
		if (messages.length > 0) apply({type: 'receipts', receipts: await opened.receipts(messages.map(({id}) => id))});
	}

	async function find(id: number): Promise<Message | null> {
		const opened = await opening;
		const [message] = await opened.history({after: id - 1, before: id + 1, limit: 1});
		return message ?? null;
	}

	const pager = createPager({
		state: store.getState,
		apply,
		history: async query => (await opening).history(query),
		receiptsOf: async messages => loadReceipts(await opening, messages),
	});

	const outbox = new Outbox({
		async send(given) {
			const opened = await opening;
			// Another history may have come, in which it is no reply any more.
			const now = store.getState().pending.find(pending => pending.draft.client_id === given.client_id);
			const draft = now?.draft ?? given;
			const message = await opened.post(draft);
			apply({type: 'messages', messages: [message]});
			// Should the mailbox answer without naming our key: the row is there, so nothing is pending.
			apply({type: 'withdrawn', client_id: draft.client_id});
		},
		shown: pending => apply({type: 'sending', pending}),
		unsent: (client_id, phase, failure) => apply({type: 'unsent', client_id, phase, failure}),
		isWanted: clientId => store.getState().pending.some(({draft}) => draft.client_id === clientId),
	});

	const history = new HistoryStore(opening, store.getState);
	const ready = start();
	// Whoever shows the state sees that nothing came; the error itself is for the one who awaits it.
	ready.catch(() => {});

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
			await loadReceipts(await opening, [message]);
			history.keep(message);
		},
		async search(filter, page) {
			const opened = await opening;
			const messages = await opened.search(filter, page);
			await loadReceipts(opened, messages);
			return messages;
		},
		remember(seen) {
			kept = seen;
		},
		markSeen(feed, id) {
			apply({type: 'seen', feed, id});
		},
		async acknowledge(ids, state) {
			const fresh = ids.filter(id => !told.has(`${id} ${state}`));
			if (fresh.length === 0) return;
			for (const id of fresh) told.set(`${id} ${state}`, true);
			try {
				const opened = await opening;
				await (state === 'acked' ? opened.ack(fresh, 'tui') : opened.deliver(fresh, 'tui'));
				apply({type: 'receipts', receipts: await opened.receipts(fresh)});
			} catch (error) {
				if (!(error instanceof MailboxError)) throw error;
				// It will be said again when it is shown again.
				for (const id of fresh) told.delete(`${id} ${state}`);
			}
		},
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
			closed = true;
			joined.resolve();
			unwatch();
			unsubscribe();
			outbox.close();
			const opened = await opening.catch(() => null);
			await opened?.close();
		},
	};
}

/** Milliseconds between two attempts to read what a mailbox holds that was away when the store was opened. */
const loadAgain = 500;

/** What it resolves with; null when the other end cannot be reached. */
async function unlessOffline<T>(work: Promise<T>): Promise<T | null> {
	try {
		return await work;
	} catch (error) {
		if (error instanceof MailboxError && error.code === 'offline') return null;
		throw error;
	}
}
