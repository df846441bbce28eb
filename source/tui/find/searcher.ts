import type {Filter} from '../../mailbox/filter.ts';
import {mayBecomeField, parseFilter} from '../../mailbox/filter/filter-parse.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {Editor} from '../editor/editor.ts';
import {emptySearch} from '../model/search.ts';
import type {UiStore} from '../model/ui.ts';
import {createHits} from './hits.ts';

/** Milliseconds without a key after which the mailbox is asked. */
const pause = 120;
/** The same while the last word may still become a field. */
const longPause = 700;

/** A search that begins when its timer fires. */
interface Scheduled {
	readonly filter: Filter;
	readonly timer: NodeJS.Timeout;
}

export interface Searcher {
	/** Replaces the text. Searches if it parses and no other key follows for a moment. */
	edit(editor: Editor): void;
	/** Searches at once for what is scheduled. Resolves when the first hits are those of the text. */
	settled(): Promise<void>;
	/** Loads the next older page of hits, if there is one. */
	loadMore(): Promise<void>;
	/** Cancels what is scheduled or has been asked for. */
	stop(): void;
}

/** Searches while somebody types. Hits of an earlier text are never shown. */
export function createSearcher({store, ui}: {readonly store: MailboxStore; readonly ui: UiStore}): Searcher {
	const hits = createHits({store, ui});
	let next: Scheduled | null = null;
	/** Waits for the last word to be complete; meanwhile, the search before it goes on. */
	let deferred: Scheduled | null = null;
	let answer: Promise<void> = Promise.resolve();

	function stop(): void {
		clearTimeout(next?.timer);
		clearTimeout(deferred?.timer);
		next = null;
		deferred = null;
		hits.stop();
	}

	function schedule(filter: Filter, wait: number): void {
		stop();
		const {search} = ui.getState();
		if (search === null) return;
		if (filter.alternatives.length > 0) next = {filter, timer: setTimeout(begin, wait)};
		else ui.setState({search: {...emptySearch, editor: search.editor}});
	}

	function begin(): void {
		if (next === null) return;
		const {filter, timer} = next;
		clearTimeout(timer);
		next = null;
		answer = hits.ask(filter);
	}

	return {
		edit(editor) {
			const {search} = ui.getState();
			if (search === null) return;
			if (editor.text === search.editor.text) return ui.setState({search: {...search, editor}});
			const {filter, faults} = parseFilter(editor.text, Date.now());
			ui.setState({search: {...search, editor, faults}});
			clearTimeout(deferred?.timer);
			deferred = null;
			// While the text does not parse, the search before it goes on, and its hits stay.
			if (faults.length > 0) return;
			if (mayBecomeField(editor.text)) deferred = {filter, timer: setTimeout(() => schedule(filter, 0), longPause)};
			else schedule(filter, pause);
		},
		async settled() {
			if (deferred !== null) schedule(deferred.filter, 0);
			begin();
			await answer;
		},
		loadMore: () => hits.loadMore(),
		stop,
	};
}
