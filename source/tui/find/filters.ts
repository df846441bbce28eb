import type {Filter} from '../../mailbox/filter.ts';
import {mayBecomeField, parseFilter} from '../../mailbox/filter/filter-parse.ts';
import type {Editor} from '../editor/editor.ts';
import {editLine, pasteLine} from '../editor/line-edit.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import {feedOf} from '../panes/source.ts';
import {following, type Ui, type Overlay} from '../model/ui.ts';
import {loadOlderMatching} from '../panes/filter-pages.ts';
import {filterLine, filterStatus} from './filter-line.ts';
import type {Surface} from './jump.ts';
import {paneFilter, type FilterEdit, type PaneFilter} from '../model/pane-filter.ts';
import {withRecent} from '../model/recent.ts';
import {filteredOf} from '../model/filtered.ts';

/** Milliseconds after the last key until older messages are requested from the mailbox. */
const pause = 200;
/** Milliseconds until a last word that may become a field is taken for a word. */
const longPause = 700;

/** Returns a function that opens the filter of the focused pane. */
export function createFilters({store, ui}: Surface): () => void {
	let timer: NodeJS.Timeout | undefined;

	function overlay(now: FilterEdit): Overlay {
		return {
			scope: 'panel',
			status: filterStatus,
			draw: drawn => filterLine(drawn, now),
			key: pressed => key(now, pressed),
			paste: text => edit(now, pasteLine(now.editor, text)),
		};
	}

	function put(pane: PaneId, filter: PaneFilter | null): void {
		ui.setState(now => withFilter(now, pane, filter));
	}

	function edit(now: FilterEdit, editor: Editor): void {
		if (editor.text === now.editor.text) return ui.setState({overlay: overlay({...now, editor})});
		const {filter, faults} = parseFilter(editor.text, Date.now());
		ui.setState({overlay: overlay({...now, editor, faults})});
		clearTimeout(timer);
		// Keep the last valid filter.
		if (faults.length > 0) return;
		if (mayBecomeField(editor.text)) timer = setTimeout(() => apply(now.pane, editor.text, filter), longPause);
		else apply(now.pane, editor.text, filter);
	}

	function apply(pane: PaneId, text: string, filter: Filter): void {
		clearTimeout(timer);
		if (filter.alternatives.length === 0) return put(pane, null);
		put(
			pane,
			paneFilter(text.trim(), filter, store.getState(), () => store.getState(), Date.now()),
		);
		timer = setTimeout(() => fill(pane), pause);
	}

	/** Requests older matches if they do not fill the pane. */
	function fill(pane: PaneId): void {
		const filter = ui.getState().filters.get(pane);
		if (filter === undefined) return;
		const {older, recent} = filteredOf(store.getState(), pane, filter);
		if (older.length + recent.length < layoutOf(ui.getState()).body.height) void loadOlderMatching({store, ui}, pane);
	}

	function key(now: FilterEdit, pressed: string): void {
		const text = now.editor.text.trim();
		const action = ui.getState().keymap.actionOf('panel', pressed);
		if (action === 'panel_close') {
			clearTimeout(timer);
			put(now.pane, text === '' ? null : now.before);
			return ui.setState({overlay: null});
		}
		if (action === 'panel_take') {
			if (now.faults.length > 0) return;
			const shown = ui.getState().filters.get(now.pane)?.text ?? '';
			if (shown !== text) apply(now.pane, text, parseFilter(text, Date.now()).filter);
			return ui.setState(({recent}) => ({overlay: null, recent: withRecent(recent, 'searches', text)}));
		}
		const [last] = ui.getState().recent.searches;
		if (text === '' && action === 'panel_previous' && last !== undefined) {
			return edit(now, {text: last, cursor: last.length});
		}
		const edited = editLine(now.editor, pressed);
		if (edited !== null) edit(now, edited);
	}

	return () => {
		const {focus, threads, filters, keymap} = ui.getState();
		if (threads.has(focus))
			return ui.setState({notice: `Threads cannot be filtered; ${keymap.keyFor('back')} goes back to the channel.`});
		if (feedOf({threads}, focus) === null)
			return ui.setState({notice: 'Only messages can be filtered: focus a channel first.'});
		const before = filters.get(focus) ?? null;
		const text = before?.text ?? '';
		const editor = {text, cursor: text.length};
		ui.setState({overlay: overlay({pane: focus, editor, faults: [], before})});
	};
}

function withFilter(ui: Ui, pane: PaneId, filter: PaneFilter | null): Partial<Ui> {
	const filters = new Map(ui.filters);
	if (filter === null) filters.delete(pane);
	else filters.set(pane, filter);
	// Scroll the changed list to its newest message.
	return {filters, views: new Map(ui.views).set(pane, following)};
}
