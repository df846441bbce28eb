import {HUMAN, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import {hasDraft, homeOf, type Compose, type Draft, type ScreenContext, type Ui} from './ui.ts';
import type {Editor} from '../editor/editor.ts';
import type {Edited} from '../terminal/external-editor.ts';
import {noUndo, withChange} from '../editor/undo.ts';
import {isChannelPane, type PaneId} from './pane-id.ts';

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

/** All drafts in which something is written, the latest last. */
export function draftsOf({compose, drafts}: Pick<Ui, 'compose' | 'drafts'>): readonly Draft[] {
	return hasDraft(compose) ? [...drafts, compose] : drafts;
}

/** The draft with which the key for writing goes on in a pane; undefined: it begins a new one. */
export function draftAt(ui: Ui, place: PaneId): Draft | undefined {
	return draftsOf(ui).findLast(draft => isAt(ui, draft, place));
}

/** How many drafts a pane has that are not in the compose line. */
export function draftsBeside(ui: Ui, pane: PaneId): number {
	const shown = shownDraft(ui);
	return draftsOf(ui).filter(draft => draft !== shown && draft.place === pane).length;
}

/** The draft that the compose line shows: in READ, that of the focused pane. */
export function shownDraft(ui: Ui): Draft | undefined {
	return ui.mode === 'compose' ? ui.compose : draftAt(ui, homeOf(ui, ui.focus));
}

/** A draft whose pane is no longer there is in none, so that it can be found from each. */
function isAt({arrangement}: Ui, {place}: Draft, pane: PaneId): boolean {
	return place === pane || place === null || (!isChannelPane(place) && !arrangement.order.includes(place));
}

/**
 * The ui with another draft in the compose line, the one that is there now left for later. Nothing of one draft gets into another,
 * except for the tag that one writes as, which new ones take over. Pure.
 */
export function withDraft(ui: Ui, wanted: Draft | Omit<Draft, 'tag'>): Pick<Ui, 'compose' | 'drafts'> {
	const {compose} = ui;
	if (wanted === compose) return ui;
	const {editor, tag, reply, prefill, place} = {tag: compose.tag, ...wanted};
	const left = hasDraft(compose)
		? [{editor: compose.editor, tag: compose.tag, reply: compose.reply, prefill: compose.prefill, place: compose.place}]
		: [];
	return {
		compose: {...compose, editor, tag, reply, prefill, place, error: null, recalled: -1, search: null, undo: noUndo},
		drafts: [...ui.drafts.filter(each => each !== wanted), ...left],
	};
}
