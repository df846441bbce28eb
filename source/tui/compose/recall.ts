import {hasDraft} from '../model/ui.ts';
import {setCompose, setEditor, type ComposeContext} from '../model/draft.ts';
import {edit, isOnFirstLine, isOnLastLine} from '../editor/editor.ts';
import {sentSearchAfter, newSentSearch} from '../model/sent.ts';

/** Moves up or down within the draft, and at its ends through the history. */
export function moveOrRecall(context: ComposeContext, to: 'up' | 'down'): void {
	const {compose} = context.ui.getState();
	const atEdge = to === 'up' ? isOnFirstLine(compose.editor) : isOnLastLine(compose.editor);
	if (!atEdge) return setEditor(context, edit(compose.editor, {type: 'move', to}));
	const recalled = compose.recalled + (to === 'up' ? 1 : -1);
	if (recalled < -1 || recalled >= compose.sent.length) return;
	// Do not overwrite an unsent draft.
	if (compose.recalled === -1 && hasDraft(compose)) return;
	const text = recalled === -1 ? compose.prefill : (compose.sent.at(-1 - recalled) ?? '');
	setCompose(context, {editor: {text, cursor: text.length}, recalled, error: null});
}

/** Opens the search of sent messages. */
export function openSentSearch(context: ComposeContext): void {
	const {editor, sent} = context.ui.getState().compose;
	if (sent.length === 0) return setCompose(context, {error: 'There are no sent messages to search.'});
	setCompose(context, {search: newSentSearch(editor), error: null});
}

/** Handles a key of the search. False if there is no search, or if the key only ended it and still has its own effect. */
export function sentSearchKey(context: ComposeContext, key: string): boolean {
	const {compose, keymap} = context.ui.getState();
	const {search, sent} = compose;
	if (search === null) return false;
	const steps: {readonly [key: string]: 'newer' | 'shorter'} = {'^s': 'newer', backspace: 'shorter'};
	const step = keymap.actionOf('compose', key) === 'search_sent' ? 'older' : steps[key];
	if (step !== undefined) {
		setCompose(context, {search: sentSearchAfter(search, sent, step)});
		return true;
	}
	if (Array.from(key).length === 1) {
		typeInSentSearch(context, key);
		return true;
	}
	const action = keymap.actionOf('panel', key);
	const isGivenUp = action === 'panel_close' || key === '^g';
	setCompose(context, {search: null});
	if (isGivenUp) return true;
	// The match becomes the draft; ^_ restores the previous draft.
	setEditor(context, search.shown);
	setCompose(context, {recalled: -1, completion: -1});
	return action === 'panel_take';
}

/** Types letters into the search. */
export function typeInSentSearch(context: ComposeContext, letters: string): void {
	const {search, sent} = context.ui.getState().compose;
	if (search !== null) setCompose(context, {search: sentSearchAfter(search, sent, {letters})});
}
