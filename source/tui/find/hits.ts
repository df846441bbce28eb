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
	/** Asks for the newest hits. Resolves when they, or the reason why there are none, are in the `Search`. */
	ask(filter: Filter): Promise<void>;
	/** Loads the next older page, if there is one. Resolves when it has arrived, or cannot be read now. */
	loadMore(): Promise<void>;
	/** Drops whatever has been asked for. */
	stop(): void;
}

/** The hits of the current `Search`: pages from the mailbox or, while that cannot be reached, from what is loaded. */
export function createHits({store, ui}: HitsOptions): Hits {
	/** Belongs to the newest question: answers to any other are dropped. */
	let asking: AbortController | null = null;
	let loading: Promise<void> | null = null;

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
		return {hits, more: false, phase: 'local', failure: null};
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

	return {
		async ask(filter) {
			const mine = new AbortController();
			asking = mine;
			change({filter, pattern: searchPattern(filter), phase: 'asking', failure: null});
			try {
				const found = await store.search(filter, {limit: pageSize, signal: mine.signal});
				if (asking !== mine) return;
				change({hits: fitting(filter, found), more: found.length === pageSize, phase: 'done', failure: null, index: 0});
			} catch (error) {
				if (asking !== mine) return;
				if (!(error instanceof MailboxError)) throw error;
				if (error.code === 'offline') change({...loaded(filter), index: 0});
				else change({hits: [], more: false, phase: 'failed', failure: error.sentence, index: 0});
			}
		},
		async loadMore() {
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
