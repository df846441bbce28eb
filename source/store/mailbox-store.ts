import {createStore} from 'zustand/vanilla';
import {MailboxError} from '../mailbox/error.ts';
import type {Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Draft, Message} from '../mailbox/message.ts';
import type {ReceiptState} from '../mailbox/receipt.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';
import {Past} from './past.ts';
import {reduce, type Change} from './reduce.ts';
import {channelMessages} from './select.ts';
import {emptyState, type State} from './state.ts';

/** How many messages are kept while nobody looks back. */
const windowSize = 5000;
/** How many may be kept while somebody scrolls back through history. */
const longestWindow = 20_000;
/** Trimming copies the window, so it waits until this many are over. */
const slack = 500;
const firstPage = 500;
const page = 200;
/** Milliseconds after which an unsent message is tried again while the connection looks sound. */
const retryDelay = 3000;

export interface MailboxStore {
	getState(): State;
	subscribe(listener: (state: State) => void): Unsubscribe;
	/** Settles when the first page has been read; rejects with the MailboxError that kept the mailbox from opening. */
	readonly ready: Promise<void>;
	/**
	 * Shows the draft as pending at once and sends it. What cannot be reached is tried again until it is; resolves with
	 * null then, or with the sentence for which it was refused (the pending draft keeps its text until withdrawn).
	 */
	post(draft: Draft): Promise<string | null>;
	/** Takes an unsent draft out of the list; whoever calls it keeps the text. */
	withdraw(clientId: string): void;
	/** Reads the next older page of a channel into the window; false when there is nothing older. */
	loadOlder(channel: Tag): Promise<boolean>;
	/** What the timeline looks back on. */
	readonly past: Past;
	/** Reads one message with its receipts, wherever it lies, into `past`. */
	loadMessage(id: number): Promise<void>;
	/** Reads a whole thread, wherever it lies. */
	loadThread(root: number): Promise<void>;
	/** Nobody looks back any more: the window may shrink to its usual size. */
	release(): void;
	markSeen(channel: Tag, id: number): void;
	/** Says that messages addressed to the identity were shown to it, or dealt with. Repeats and failures change nothing. */
	acknowledge(ids: readonly number[], state: Exclude<ReceiptState, 'taken'>): Promise<void>;
	/** Ends the subscription and closes the mailbox. */
	close(): Promise<void>;
}

/** One store over one mailbox, which may still be opening: the state is there at once, as `connecting`. */
export function createMailboxStore(mailbox: Mailbox | Promise<Mailbox>): MailboxStore {
	const store = createStore<State>(() => emptyState);
	const opening = Promise.resolve(mailbox);
	const loading = new Map<string, Promise<boolean>>();
	/** What was already said of which message. */
	const told = new Set<string>();
	const retries = new Map<string, () => void>();
	let unsubscribe: Unsubscribe = () => {};
	let closed = false;
	let keep = windowSize;

	const apply = (change: Change): void => {
		if (closed) return;
		let next = reduce(store.getState(), change);
		if (next.messages.length > keep + slack) next = reduce(next, {type: 'trim', keep});
		if (next !== store.getState()) store.setState(next, true);
	};

	/** The first time that the subscription is joined. */
	const joined = Promise.withResolvers<void>();

	async function start(): Promise<void> {
		const opened = await opening;
		if (closed) return;
		apply({type: 'identity', identity: await opened.identity()});
		// Where the subscription begins is known before history is read, so the two overlap and nothing falls between them.
		const from = await unlessOffline(opened.cursor());
		const early = from !== null && (await unlessOffline(load(opened).then(() => true))) !== null;
		if (closed) return;
		if (early) apply({type: 'loaded'});
		unsubscribe = opened.subscribe(event => {
			apply(event);
			if (event.type !== 'connection') return;
			const {phase} = event.connection;
			if (phase === 'catching_up' || phase === 'live') joined.resolve();
			if (phase === 'live') for (const retry of retries.values()) retry();
		}, from);
		if (early) return;
		// It cannot be reached yet: the subscription says so, and goes on trying.
		await joined.promise;
		if (closed) return;
		await load(opened);
		apply({type: 'loaded'});
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
		apply({type: 'older', channel: null, messages, complete: messages.length < firstPage});
		await loadReceipts(opened, messages);
	}

	async function loadReceipts(opened: Mailbox, messages: readonly Message[]): Promise<void> {
		if (messages.length > 0) apply({type: 'receipts', receipts: await opened.receipts(messages.map(({id}) => id))});
	}

	async function readOlder(channel: Tag): Promise<boolean> {
		const opened = await opening;
		const oldest = channelMessages(store.getState(), channel)[0];
		const messages = await opened.history({channel, limit: page, ...(oldest === undefined ? {} : {before: oldest.id})});
		keep = Math.min(longestWindow, keep + messages.length);
		apply({type: 'older', channel, messages, complete: messages.length < page});
		await loadReceipts(opened, messages);
		return messages.length > 0;
	}

	/** Resolves when tried: null for sent, or the error. */
	async function attempt(draft: Draft & {readonly client_id: string}): Promise<MailboxError | null> {
		try {
			const opened = await opening;
			const message = await opened.post(draft);
			apply({type: 'messages', messages: [message]});
			// Should the mailbox answer without naming our key: the row is there, so nothing is pending.
			apply({type: 'withdrawn', client_id: draft.client_id});
			return null;
		} catch (error) {
			return error instanceof MailboxError ? error : new MailboxError('internal', String(error), '', {cause: error});
		}
	}

	/** Waits until the connection is live again, or a moment, whichever comes first. */
	async function untilRetry(clientId: string): Promise<void> {
		await new Promise<void>(resolve => {
			const timer = setTimeout(resolve, retryDelay);
			timer.unref();
			retries.set(clientId, resolve);
		});
		retries.delete(clientId);
	}

	async function post(given: Draft): Promise<string | null> {
		const draft = {...given, client_id: given.client_id ?? crypto.randomUUID()};
		const {client_id} = draft;
		apply({type: 'sending', pending: {draft, since: Date.now(), phase: 'sending', failure: null}});
		for (;;) {
			const failure = await attempt(draft);
			if (failure === null) return null;
			const waits = failure.code === 'offline' && !closed;
			apply({type: 'unsent', client_id, phase: waits ? 'waiting' : 'refused', failure: failure.sentence});
			if (!waits) return failure.sentence;
			await untilRetry(client_id);
			if (!store.getState().pending.some(pending => pending.draft.client_id === client_id)) return null;
		}
	}

	const past = new Past(opening, store.getState);
	const ready = start();
	// Whoever shows the state sees that nothing came; the error itself is for the one who awaits it.
	ready.catch(() => {});

	return {
		getState: store.getState,
		subscribe: listener => store.subscribe(listener),
		ready,
		post,
		withdraw: client_id => apply({type: 'withdrawn', client_id}),
		async loadOlder(channel) {
			const key = foldTag(channel);
			if (store.getState().complete.has(key)) return false;
			const running = loading.get(key) ?? readOlder(channel).finally(() => loading.delete(key));
			loading.set(key, running);
			return running;
		},
		past,
		async loadMessage(id) {
			const opened = await opening;
			const [message] = await opened.history({before: id + 1, limit: 1});
			if (message?.id !== id) return;
			await loadReceipts(opened, [message]);
			past.keep(message);
		},
		async loadThread(root) {
			const opened = await opening;
			apply({type: 'thread', root, messages: await opened.history({thread: root, limit: 1000})});
		},
		release() {
			keep = windowSize;
			apply({type: 'trim', keep: windowSize + slack});
		},
		markSeen(channel, id) {
			apply({type: 'seen', channel, id});
		},
		async acknowledge(ids, state) {
			const fresh = ids.filter(id => !told.has(`${id} ${state}`));
			if (fresh.length === 0) return;
			for (const id of fresh) told.add(`${id} ${state}`);
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
		async close() {
			closed = true;
			joined.resolve();
			unsubscribe();
			for (const retry of retries.values()) retry();
			const opened = await opening.catch(() => null);
			await opened?.close();
		},
	};
}

/** What it resolves with; null when the other end cannot be reached. */
async function unlessOffline<T>(work: Promise<T>): Promise<T | null> {
	try {
		return await work;
	} catch (error) {
		if (error instanceof MailboxError && error.code === 'offline') return null;
		throw error;
	}
}
