import {editLine, pasteLine} from '../editor/line-edit.ts';
import {withRecent} from '../model/recent.ts';
import {emptySearch} from '../model/search.ts';
import type {Overlay} from '../model/ui.ts';
import type {Action} from '../settings/actions.ts';
import {jumpTo, type Surface} from './jump.ts';
import {searchPanel} from './search-panel.ts';
import {createSearcher} from './searcher.ts';

export interface SearchBox {
	/** Opens the box on the current search, or on an empty one. */
	open(): void;
	/** Opens the box and searches for the text. */
	searchFor(text: string): void;
	/** Jumps to the hit that is `by` further on, where older ones follow, and closes the box. The search stays. */
	go(by: number): void;
	/** Ends the search; false if there is none. */
	end(): boolean;
}

/** How far an action moves in the list of hits. */
const steps: {readonly [Name in Action]?: number} = {
	panel_previous: -1,
	panel_next: 1,
	panel_page_previous: -8,
	panel_page_next: 8,
};

/** This close to the last hit, older ones are loaded. */
const lookahead = 10;

/** The box in which one types a search and chooses among its hits. */
export function createSearchBox(surface: Surface): SearchBox {
	const {ui} = surface;
	const searcher = createSearcher(surface);

	const overlay: Overlay = {
		scope: 'panel',
		draw: searchPanel,
		key,
		paste(text) {
			const {search} = ui.getState();
			if (search !== null) searcher.edit(pasteLine(search.editor, text));
		},
	};

	function key(pressed: string): void {
		const {search, recent, keymap} = ui.getState();
		if (search === null) return;
		const action = keymap.actionOf('panel', pressed);
		if (action === 'panel_close') return void end();
		if (action === 'panel_take') return void searcher.settled().then(() => (isOpen() ? go(0) : undefined));
		const isEmpty = search.editor.text === '';
		const [last] = recent.searches;
		if (isEmpty && action === 'panel_previous' && last !== undefined)
			return searcher.edit({text: last, cursor: last.length});
		const step = action === undefined ? undefined : steps[action];
		if (step !== undefined) return choose(search.index + step);
		const edited = editLine(search.editor, pressed);
		if (edited !== null) searcher.edit(edited);
	}

	function isOpen(): boolean {
		return ui.getState().overlay === overlay;
	}

	function choose(index: number): void {
		const {search} = ui.getState();
		if (search === null || search.hits.length === 0) return;
		ui.setState({search: {...search, index: Math.max(0, Math.min(search.hits.length - 1, index))}});
		if (index >= search.hits.length - lookahead) void searcher.loadMore();
	}

	function go(by: number): void {
		const {search, recent, keymap} = ui.getState();
		if (search === null) return ui.setState({notice: `There is no search: ${keymap.keyFor('search')} starts one.`});
		const index = search.index + by;
		const hit = search.hits[index];
		if (hit !== undefined) {
			choose(index);
			ui.setState({overlay: null, recent: withRecent(recent, 'searches', search.editor.text.trim())});
			return void jumpTo(surface, hit);
		}
		if (by === 0) return;
		if (by < 0 || !search.more) return ui.setState({notice: noFurther(search.hits.length, by)});
		void goAfterLoading(index, by);
	}

	async function goAfterLoading(index: number, by: number): Promise<void> {
		await searcher.loadMore();
		const {search} = ui.getState();
		if (search?.hits[index] !== undefined) go(by);
		else if (search?.more === false) ui.setState({notice: noFurther(search.hits.length, by)});
	}

	function end(): boolean {
		if (ui.getState().search === null) return false;
		searcher.stop();
		ui.setState({search: null, ...(isOpen() && {overlay: null})});
		return true;
	}

	return {
		open() {
			ui.setState(({search}) => ({overlay, search: search ?? emptySearch}));
		},
		searchFor(text) {
			ui.setState({overlay, search: emptySearch});
			searcher.edit({text, cursor: text.length});
		},
		go,
		end,
	};
}

function noFurther(hits: number, by: number): string {
	if (hits === 0) return 'Nothing was found.';
	return by > 0 ? 'That was the oldest hit.' : 'That was the newest hit.';
}
