import type {Message} from '../mailbox/message.ts';
import type {HistoryQuery} from '../mailbox/query.ts';
import {allFeed, belongs, inboxFeed, threadFeed, threadOf, type FeedId} from './state/feed.ts';
import type {Change} from './state/change.ts';
import type {State} from './state/state.ts';

const pageSize = 200;
const threadPage = 1000;
/** The maximum number of pages that are read until one contains a message of the feed: of those read for the inbox, few may do. */
const maxReads = 10;

/** Reads history page by page, for each feed. See MailboxStore for the methods. */
export interface Pager {
	loadOlder(feed: FeedId): Promise<boolean>;
	loadNewer(feed: FeedId): Promise<boolean>;
	loadOldest(feed: FeedId): Promise<void>;
	loadAround(feed: FeedId, id: number): Promise<void>;
	loadThread(root: number): Promise<void>;
}

interface PagerOptions {
	readonly state: () => State;
	readonly apply: (change: Change) => void;
	readonly history: (query: HistoryQuery) => Promise<Message[]>;
	/** Loads the receipts of messages. */
	readonly loadReceipts: (messages: readonly Message[]) => Promise<void>;
}

/** All messages of a feed with `lower` <= id < `upper`. */
interface Page {
	readonly messages: readonly Message[];
	readonly lower: number;
	readonly upper: number;
}

export function createPager({state, apply, history, loadReceipts}: PagerOptions): Pager {
	const running = new Map<string, Promise<boolean>>();

	/** Runs one read of a kind at a time; calls during it share its result. */
	function once(key: string, work: () => Promise<boolean>): Promise<boolean> {
		const begun = running.get(key) ?? work().finally(() => running.delete(key));
		running.set(key, begun);
		return begun;
	}

	/** The page before the id `before`; `lower` is 0 if nothing older exists. */
	async function older(feed: FeedId, before: number, limit: number): Promise<Page> {
		let lower = before;
		for (let read = 0; ; read++) {
			const found = await history({...queryOf(feed, state()), before: lower, limit});
			lower = found.length < limit ? 0 : (found[0]?.id ?? 0);
			const messages = found.filter(message => belongs(state().identity, feed, message));
			if (messages.length > 0 || lower === 0 || read >= maxReads) return {messages, lower, upper: before};
		}
	}

	/** The page from the id `from` on; `upper` is Infinity if nothing newer existed. */
	async function newer(feed: FeedId, from: number, limit: number): Promise<Page> {
		let upper = from;
		for (let read = 0; ; read++) {
			const found = await history({...queryOf(feed, state()), after: upper - 1, limit, oldest: true});
			upper = found.length < limit ? Infinity : (found.at(-1)?.id ?? 0) + 1;
			const messages = found.filter(message => belongs(state().identity, feed, message));
			if (messages.length > 0 || upper >= state().from || read >= maxReads) return {messages, lower: from, upper};
		}
	}

	/** Shows another page. Its receipts come later, so that the caller can move there before the next frame. */
	function show(feed: FeedId, page: Page, around: number): void {
		apply({type: 'elsewhere', feed, ...page, around});
		loadReceipts(page.messages).catch(() => {});
	}

	async function loadOlder(feed: FeedId): Promise<boolean> {
		if (!state().scrollbacks.has(feed)) apply({type: 'look', feed, around: Infinity});
		const before = state().scrollbacks.get(feed)?.lower ?? 0;
		if (before === 0) return false;
		return once(`older ${feed}`, async () => {
			const page = await older(feed, before, threadOf(feed) === null ? pageSize : threadPage);
			apply({type: 'older', feed, before, messages: page.messages, lower: page.lower});
			await loadReceipts(page.messages);
			return page.messages.length > 0;
		});
	}

	return {
		loadOlder,
		async loadNewer(feed) {
			const from = state().scrollbacks.get(feed)?.upper ?? Infinity;
			if (from >= state().from) return false;
			return once(`newer ${feed}`, async () => {
				// The page has everything that was committed before the request. Newer messages are in the window, or are requested later.
				const asked = state().from;
				const {messages, upper} = await newer(feed, from, pageSize);
				apply({type: 'newer', feed, from, messages, reaches: upper === Infinity ? asked : upper});
				await loadReceipts(messages);
				return messages.length > 0;
			});
		},
		async loadOldest(feed) {
			const asked = state().from;
			const page = await newer(feed, 1, pageSize);
			show(feed, {...page, lower: 0, upper: Math.min(page.upper, asked)}, page.messages[0]?.id ?? 0);
		},
		async loadAround(feed, id) {
			const asked = state().from;
			const [before, after] = await Promise.all([older(feed, id, pageSize), newer(feed, id, pageSize)]);
			const messages = [...before.messages, ...after.messages];
			show(feed, {messages, lower: before.lower, upper: Math.min(after.upper, asked)}, id);
		},
		async loadThread(root) {
			await loadOlder(threadFeed(root));
		},
	};
}

/** The query for a feed. The inbox is a part of the identity's own channel. */
function queryOf(feed: FeedId, {identity}: State): HistoryQuery {
	if (feed === allFeed) return {};
	if (feed === inboxFeed) return identity === null ? {} : {channel: identity.tag};
	const root = threadOf(feed);
	return root === null ? {channel: feed} : {thread: root};
}
