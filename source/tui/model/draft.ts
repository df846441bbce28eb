import {HUMAN, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import type {Compose, ScreenContext} from './ui.ts';
import type {Editor} from '../editor/editor.ts';
import type {Edited} from '../terminal/external-editor.ts';
import {withChange} from '../editor/undo.ts';

/** What the compose line's key handlers need. */
export interface ComposeContext extends ScreenContext {
	/** Opens a text in $EDITOR; null if there is no terminal to hand over. */
	readonly editElsewhere: ((text: string) => Promise<Edited>) | null;
}

/** The tag that the draft is sent as. */
export function composeTag(state: State, compose: Compose): Tag {
	return compose.tag ?? state.identity?.tag ?? HUMAN;
}

export function setCompose({ui}: ComposeContext, change: Partial<Compose>): void {
	ui.setState(now => ({compose: {...now.compose, ...change}}));
}

/** Replaces the draft after a key. `typed`: the key was a letter; ^_ undoes consecutive letters together. */
export function setEditor(context: ComposeContext, editor: Editor, typed = false): void {
	const {compose} = context.ui.getState();
	const undo = withChange(compose.undo, compose.editor, editor, typed);
	setCompose(context, {editor, undo, error: null, completion: 0});
}
