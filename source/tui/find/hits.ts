import {MailboxError} from '../../mailbox/error.ts';
import {asksForUnread, type Filter} from '../../mailbox/filter.ts';
import {compileFilter} from '../../mailbox/filter/filter-match.ts';
import type {Message} from '../../mailbox/message.ts';
import {factsOf} from '../../store/facts.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {searchPattern} from '../model/matches.ts';
import type {Search} from '../model/search.ts';
import type {UiStore} from '../model/ui.ts';

const pageSize = 50;

interface HitsOptions {
	readonly store: MailboxStore;
	readonly ui: UiStore;
}

export interface Hits {
	/** Asks for the newest hits. Resolves when the first of them, or the reason why there are none, are in the `Search`. */
	ask(filter: Filter): Promise<void>;
	/** Waits for the rest of the first page, or loads the next older one. Resolves when it has arrived, or cannot be read now. */
	loadMore(): Promise<void>;
	/** Drops whatever has been asked for. */
	stop(): void;
}

/** The hits of the current `Search`: pages from the mailbox or, while that cannot be reached, from what is loaded. */
export function createHits({store, ui}: HitsOptions): Hits {
	/** Belongs to the newest question: answers to any other are dropped. */
	let asking: AbortController | null = null;
	let loading: Promise<void> | null = null;
	/** Ends when its page is full, or all was searched. */
	let reading: Promise<void> = Promise.resolve();

	function change(next: Partial<Search>): void {
		const {search} = ui.getState();
		if (search !== null) ui.setState({search: {...search, ...next}});
	}

	/** The mailbox does not know what has been read, so that part of a filter is applied here. */
	function fitting(filter: Filter, found: readonly Message[]): readonly Message[] {
		return asksForUnread(filter) ? found.filter(testOf(store, filter)) : found;
	}

	function loaded(filter: Filter): Partial<Search> {
		const hits = store.getState().messages.filter(testOf(store, filter)).reverse();
		return {hits, more: false, searchedTo: null, phase: 'local', failure: null};
	}

	async function loadBefore(filter: Filter, before: number): Promise<void> {
		const mine = asking;
		try {
			const found = await store.search(filter, {limit: pageSize, before});
			const {search} = ui.getState();
			if (asking !== mine || search === null) return;
			change({hits: [...search.hits, ...fitting(filter, found)], more: found.length === pageSize});
		} catch (error) {
			if (!(error instanceof MailboxError)) throw error;
			// The next step down tries again; the first row of the screen shows that the mailbox cannot be reached.
		}
	}

	/** Reads the newest page, in parts. `begun` is called when there is a hit. */
	async function read(filter: Filter, mine: AbortController, begun: () => void): Promise<void> {
		let hits: readonly Message[] = [];
		let [found, parts] = [0, 0];
		try {
			for await (const {messages, searchedTo} of store.searchParts(filter, {limit: pageSize, signal: mine.signal})) {
				if (asking !== mine) return;
				found += messages.length;
				hits = [...hits, ...fitting(filter, messages)];
				const rest: Partial<Search> =
					searchedTo === null ? {more: found === pageSize, phase: 'done'} : {more: true, phase: 'asking'};
				change({...rest, hits, searchedTo, failure: null, ...(parts === 0 && {index: 0})});
				parts += 1;
				if (hits.length > 0) begun();
			}
		} catch (error) {
			if (asking !== mine) return;
			if (!(error instanceof MailboxError)) throw error;
			if (error.code === 'offline') change({...loaded(filter), index: 0});
			else change({hits: [], more: false, searchedTo: null, phase: 'failed', failure: error.sentence, index: 0});
		}
	}

	return {
		async ask(filter) {
			const mine = new AbortController();
			asking = mine;
			change({filter, pattern: searchPattern(filter), phase: 'asking', searchedTo: null, failure: null});
			const first = Promise.withResolvers<void>();
			reading = read(filter, mine, first.resolve);
			await Promise.race([first.promise, reading]);
		},
		async loadMore() {
			if (ui.getState().search?.phase === 'asking') await reading;
			const {search} = ui.getState();
			const last = search?.hits.at(-1);
			if (search === null || last === undefined || !search.more || search.phase !== 'done') return;
			loading ??= loadBefore(search.filter, last.id).finally(() => {
				loading = null;
			});
			await loading;
		},
		stop() {
			asking?.abort();
			asking = null;
			loading = null;
		},
	};
}

function testOf(store: MailboxStore, filter: Filter): (message: Message) => boolean {
	return compileFilter(
		filter,
		factsOf(store.getState(), () => store.getState(), Date.now()),
	);
}
