import {MailboxError} from '../../mailbox/error.ts';
import {asksForUnread, type Filter} from '../../mailbox/filter.ts';
import {compileFilter} from '../../mailbox/filter/filter-match.ts';
import {mayBecomeField, parseFilter} from '../../mailbox/filter/filter-parse.ts';
import type {Message} from '../../mailbox/message.ts';
import {factsOf} from '../../store/facts.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {Editor} from '../editor/editor.ts';
import type {UiStore} from '../model/ui.ts';
import {searchPattern} from '../model/matches.ts';
import {emptySearch, type Search} from '../model/search.ts';

/** Milliseconds without another key after which the mailbox is asked; while the last word may become a field, more. */
const pause = 120;
const longPause = 700;
const pageSize = 50;

interface Later {
	readonly filter: Filter;
	readonly timer: NodeJS.Timeout;
}

export interface Searcher {
	/** The text is another one: searches when it parses and nothing more is typed for a moment. */
	edit(editor: Editor): void;
	/** Resolves when the hits are those of what stands there. */
	settled(): Promise<void>;
	/** Reads the next older page, where the hits come to their end. Resolves when there is nothing to wait for. */
	loadMore(): Promise<void>;
	/** Forgets what is on its way. */
	stop(): void;
}

/** Asks the mailbox while somebody types; an answer to an older text is never shown. */
export function createSearcher({store, ui}: {readonly store: MailboxStore; readonly ui: UiStore}): Searcher {
	/** What is asked next, and what is asked unless its last word goes on. */
	let waiting: Later | null = null;
	let deferred: Later | null = null;
	let answer: Promise<void> = Promise.resolve();
	let asking: AbortController | null = null;
	let loading: Promise<void> | null = null;

	function change(next: Partial<Search>): void {
		const {search} = ui.getState();
		if (search !== null) ui.setState({search: {...search, ...next}});
	}

	function stop(): void {
		clearTimeout(waiting?.timer);
		clearTimeout(deferred?.timer);
		waiting = null;
		deferred = null;
		asking?.abort();
		asking = null;
		loading = null;
	}

	function prepare(filter: Filter, wait: number): void {
		stop();
		const {search} = ui.getState();
		if (search === null) return;
		if (filter.alternatives.length > 0) waiting = {filter, timer: setTimeout(begin, wait)};
		else ui.setState({search: {...emptySearch, editor: search.editor}});
	}

	function begin(): void {
		if (waiting === null) return;
		const {filter, timer} = waiting;
		clearTimeout(timer);
		waiting = null;
		change({filter, pattern: searchPattern(filter), phase: 'asking', failure: null});
		answer = ask(filter);
	}

	async function ask(filter: Filter): Promise<void> {
		const mine = new AbortController();
		asking = mine;
		try {
			const found = await store.search(filter, {limit: pageSize, signal: mine.signal});
			if (asking !== mine) return;
			change({hits: fitting(filter, found), more: found.length === pageSize, phase: 'done', failure: null, index: 0});
		} catch (error) {
			if (asking !== mine) return;
			if (!(error instanceof MailboxError)) throw error;
			if (error.code === 'offline') change({...searchLoaded(filter), index: 0});
			else change({hits: [], more: false, phase: 'failed', failure: error.sentence, index: 0});
		}
	}

	/** The mailbox does not know what was read. */
	function fitting(filter: Filter, found: readonly Message[]): readonly Message[] {
		return asksForUnread(filter) ? found.filter(testOf(filter)) : found;
	}

	function testOf(filter: Filter): (message: Message) => boolean {
		return compileFilter(
			filter,
			factsOf(store.getState(), () => store.getState(), Date.now()),
		);
	}

	function searchLoaded(filter: Filter): Partial<Search> {
		const hits = store.getState().messages.filter(testOf(filter)).reverse();
		return {hits, more: false, phase: 'local', failure: null};
	}

	return {
		edit(editor) {
			const {search} = ui.getState();
			if (search === null) return;
			if (editor.text === search.editor.text) return change({editor});
			const {filter, faults} = parseFilter(editor.text, Date.now());
			change({editor, faults});
			clearTimeout(deferred?.timer);
			deferred = null;
			// The last good one stays, and goes on where it is under way.
			if (faults.length > 0) return;
			if (mayBecomeField(editor.text)) deferred = {filter, timer: setTimeout(() => prepare(filter, 0), longPause)};
			else prepare(filter, pause);
		},
		async settled() {
			if (deferred !== null) prepare(deferred.filter, 0);
			begin();
			await answer;
		},
		async loadMore() {
			const {search} = ui.getState();
			const last = search?.hits.at(-1);
			if (search === null || last === undefined || !search.more || search.phase !== 'done') return;
			loading ??= older(search.filter, last.id).finally(() => {
				loading = null;
			});
			await loading;
		},
		stop,
	};

	async function older(filter: Filter, before: number): Promise<void> {
		const mine = asking;
		try {
			const found = await store.search(filter, {limit: pageSize, before});
			const {search} = ui.getState();
			if (asking !== mine || search === null) return;
			change({hits: [...search.hits, ...fitting(filter, found)], more: found.length === pageSize});
		} catch (error) {
			if (!(error instanceof MailboxError)) throw error;
			// The next step down asks again; that nothing can be reached stands in the first row.
		}
	}
}
