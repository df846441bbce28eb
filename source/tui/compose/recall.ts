import {hasDraft} from '../model/ui.ts';
import {setCompose, setEditor, type ComposeContext} from '../model/draft.ts';
import {edit, isOnFirstLine, isOnLastLine} from '../editor/editor.ts';
import {searched, searchFrom} from '../model/sent.ts';

/** Up and down: within the draft's lines, then through what was sent before. */
export function vertical(context: ComposeContext, to: 'up' | 'down'): void {
	const {compose} = context.ui.getState();
	const atEdge = to === 'up' ? isOnFirstLine(compose.editor) : isOnLastLine(compose.editor);
	if (!atEdge) return setEditor(context, edit(compose.editor, {type: 'move', to}));
	const recalled = compose.recalled + (to === 'up' ? 1 : -1);
	if (recalled < -1 || recalled >= compose.sent.length) return;
	// A draft that nobody sent is not overwritten by an older one.
	if (compose.recalled === -1 && hasDraft(compose)) return;
	const text = recalled === -1 ? compose.prefill : (compose.sent.at(-1 - recalled) ?? '');
	setCompose(context, {editor: {text, cursor: text.length}, recalled, error: null});
}

/** Begins to search what was sent. */
export function openSearch(context: ComposeContext): void {
	const {editor, sent} = context.ui.getState().compose;
	if (sent.length === 0) return setCompose(context, {error: 'Nothing was sent yet that could be searched.'});
	setCompose(context, {search: searchFrom(editor), error: null});
}

/** One key while searching; false when there is no search, or the key ended it and is still to be done. */
export function searchKey(context: ComposeContext, key: string): boolean {
	const {compose, keymap} = context.ui.getState();
	const {search, sent} = compose;
	if (search === null) return false;
	const steps: {readonly [key: string]: 'newer' | 'shorter'} = {'^s': 'newer', backspace: 'shorter'};
	const step = keymap.actionOf('compose', key) === 'search_sent' ? 'older' : steps[key];
	if (step !== undefined) {
		setCompose(context, {search: searched(search, sent, step)});
		return true;
	}
	if (Array.from(key).length === 1) {
		searchFor(context, key);
		return true;
	}
	const action = keymap.actionOf('panel', key);
	const isGivenUp = action === 'panel_close' || key === '^g';
	setCompose(context, {search: null});
	if (isGivenUp) return true;
	// What was found is the draft now; the draft that it takes the place of comes back with ^_.
	setEditor(context, search.shown);
	setCompose(context, {recalled: -1, completion: -1});
	return action === 'panel_take';
}

/** Letters typed into the search. */
export function searchFor(context: ComposeContext, letters: string): void {
	const {search, sent} = context.ui.getState().compose;
	if (search !== null) setCompose(context, {search: searched(search, sent, {letters})});
}
