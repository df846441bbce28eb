import {pasteLine, editLine} from '../editor/line-edit.ts';
import type {Editor} from '../editor/editor.ts';
import type {Action} from '../settings/actions.ts';
import {createFilters} from './filters.ts';
import {jumpTo} from './jump.ts';
import {createPalette, type PaletteSurface} from './palette-keys.ts';
import {withRecent} from '../model/recent.ts';
import type {Overlay} from '../model/ui.ts';
import {emptySearch} from '../model/search.ts';
import {searchPanel} from './search-panel.ts';
import {createSearcher} from './searcher.ts';

/** The keys that find. */
type FindAction = Extract<Action, 'search' | 'filter' | 'palette' | 'hit_next' | 'hit_previous'>;

type FinderSurface = Omit<PaletteSurface, 'search'>;

export interface Finder {
	act(action: FindAction): void;
	/** Esc among the panes: ends the search; false when there is none. */
	end(): boolean;
}

/** How far an action moves among hits. */
const steps: {readonly [Name in Action]?: number} = {
	panel_previous: -1,
	panel_next: 1,
	panel_page_previous: -8,
	panel_page_next: 8,
};

export function createFinder(surface: FinderSurface): Finder {
	const {ui} = surface;
	const openFilter = createFilters(surface);
	const openPalette = createPalette({...surface, search: searchFor});
	const searcher = createSearcher(surface);

	const panel: Overlay = {
		scope: 'panel',
		draw: searchPanel,
		key: searchKey,
		paste(text) {
			const {search: now} = ui.getState();
			if (now !== null) edit(pasteLine(now.editor, text));
		},
	};

	function search(): void {
		ui.setState(({search: before}) => ({overlay: panel, search: before ?? emptySearch}));
	}

	function searchFor(text: string): void {
		ui.setState({overlay: panel, search: emptySearch});
		edit({text, cursor: text.length});
	}

	function end(): boolean {
		if (ui.getState().search === null) return false;
		searcher.stop();
		ui.setState(({overlay}) => ({search: null, overlay: overlay === panel ? null : overlay}));
		return true;
	}

	function isOpen(): boolean {
		return ui.getState().overlay === panel;
	}

	function searchKey(key: string): void {
		const {search: now, recent, keymap} = ui.getState();
		if (now === null) return;
		const action = keymap.actionOf('panel', key);
		if (action === 'panel_close') return void end();
		if (action === 'panel_take') return void searcher.settled().then(() => (isOpen() ? go(0) : undefined));
		const isEmpty = now.editor.text === '';
		const [last] = recent.searches;
		if (isEmpty && action === 'panel_previous' && last !== undefined) return edit({text: last, cursor: last.length});
		const step = action === undefined ? undefined : steps[action];
		if (step !== undefined) return choose(now.index + step);
		const edited = editLine(now.editor, key);
		if (edited !== null) edit(edited);
	}

	function edit(editor: Editor): void {
		searcher.edit(editor);
	}

	function choose(index: number): void {
		const {search: now} = ui.getState();
		if (now === null || now.hits.length === 0) return;
		ui.setState({search: {...now, index: Math.max(0, Math.min(now.hits.length - 1, index))}});
		// The end comes near: what is older is there before it is reached.
		if (index >= now.hits.length - 10) void searcher.loadMore();
	}

	/** To the hit that many further on, older ones first; the panel closes, the search stays. */
	function go(by: number): void {
		const {search: now, recent, keymap} = ui.getState();
		if (now === null) return ui.setState({notice: `Nothing is searched for: ${keymap.keyFor('search')} searches.`});
		const hit = now.hits[now.index + by];
		if (hit === undefined) {
			if (by === 0) return;
			if (by > 0 && now.more) return void searcher.loadMore().then(() => again(now.index + by, by));
			const words =
				now.hits.length === 0 ? 'Nothing was found.' : by > 0 ? 'That was the oldest hit.' : 'That was the newest hit.';
			return ui.setState({notice: words});
		}
		choose(now.index + by);
		ui.setState({overlay: null, recent: withRecent(recent, 'searches', now.editor.text.trim())});
		void jumpTo(surface, hit);
	}

	/** Once more, when a page came. */
	function again(index: number, by: number): void {
		if (ui.getState().search?.hits[index] !== undefined) go(by);
	}

	return {
		end,
		act(action) {
			switch (action) {
				case 'search':
					return search();
				case 'filter':
					return openFilter();
				case 'palette':
					return openPalette();
				case 'hit_next':
					return go(1);
				case 'hit_previous':
					return go(-1);
			}
		},
	};
}
