import {HUMAN, type Tag} from '../../mailbox/tag.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state.ts';
import type {Compose, UiStore} from './ui.ts';
import type {Editor} from '../editor/editor.ts';
import type {Edited} from '../terminal/external-editor.ts';
import {withChange} from '../editor/undo.ts';

/** What the keys of the compose line work with. */
export interface ComposeContext {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Opens a text in the human's own editor; null where there is no terminal to give to it. */
	readonly editElsewhere: ((text: string) => Promise<Edited>) | null;
}

/** Who the draft is written as. */
export function composeTag(state: State, compose: Compose): Tag {
	return compose.tag ?? state.identity?.tag ?? HUMAN;
}

export function setCompose({ui}: ComposeContext, change: Partial<Compose>): void {
	ui.setState(now => ({compose: {...now.compose, ...change}}));
}

/** The draft after a key; `typed`: by letters, which ^_ takes back together. */
export function setEditor(context: ComposeContext, editor: Editor, typed = false): void {
	const {compose} = context.ui.getState();
	const undo = withChange(compose.undo, compose.editor, editor, typed);
	setCompose(context, {editor, undo, error: null, completion: 0});
}
