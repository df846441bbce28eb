import {p} from '../../printable.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import {agentsPane, isChannelPane, type PaneId} from '../model/pane-id.ts';
import {selectedAgent} from '../panes/agents.ts';
import {channelName} from '../panes/header.ts';
import type {Entry} from '../panes/source.ts';
import {hasDraft, homeOf, type Compose, type Ui} from '../model/ui.ts';
import {composeTag, draftAt, draftsOf, setCompose, setEditor, withDraft, type ComposeContext} from '../model/draft.ts';
import {editOf, killing} from '../editor/edit-keys.ts';
import {edit, emptyEditor, type Editor} from '../editor/editor.ts';
import {killWithKey} from '../editor/kill.ts';
import {beginsUrgent, draftOf, messageIn} from './commands.ts';
import {completionKey} from './completions.ts';
import {openSentSearch, typeInSentSearch, sentSearchKey, moveOrRecall} from './recall.ts';
import {send, takeBack} from './send.ts';
import {matchingTags} from '../model/tags.ts';
import {tagPicker} from '../view/tag-picker.ts';
import {undone} from '../editor/undo.ts';

/**
 * Opens the compose line: for a reply to an entry, or for the focused channel. A draft of the same conversation goes on; one of
 * another stays where it was begun, with its text and its addressee.
 */
export function openCompose(context: ComposeContext, answered: Entry | null): void {
	const {store, ui} = context;
	const now = ui.getState();
	const state = store.getState();
	if (answered?.kind === 'pending') {
		if (answered.pending.phase !== 'refused') return;
		takeBack(context, answered.pending.draft.client_id, answered.pending.failure);
		return ui.setState({mode: 'compose'});
	}
	const reply = answered === null ? null : {id: answered.message.id, tag: answered.message.tag};
	const addressee = reply?.tag ?? addresseeOf(state, now);
	const place = placeOf(now, addressee);
	const begun = reply === null ? draftAt(now, place) : draftsOf(now).findLast(draft => draft.reply?.id === reply.id);
	const me = composeTag(state, now.compose);
	const prefill = addressee === null || sameTag(addressee, me) ? '' : `@${addressee} `;
	const editor = {text: prefill, cursor: prefill.length};
	ui.setState({...withDraft(now, begun ?? {editor, prefill, reply, place}), mode: 'compose'});
}

/** The pane that a draft is begun in. What is written to an agent that is selected in AGENTS belongs to its channel. */
function placeOf(now: Ui, addressee: Tag | null): PaneId {
	const place = homeOf(now, now.focus);
	return place === agentsPane && addressee !== null ? foldTag(addressee) : place;
}

/** A message written in a channel's pane is addressed to that channel's tag. */
function addresseeOf(state: State, now: Ui): Tag | null {
	const focus = homeOf(now, now.focus);
	const name =
		focus === agentsPane ? selectedAgent(state, now) : isChannelPane(focus) ? channelName(state, focus) : null;
	if (name === null) return null;
	return sameTag(name, 'UNTAGGED') || sameTag(name, 'SYSTEM') ? null : name;
}

/** Pastes a text into the draft, opening the compose line if needed. Pasted text never runs commands or keys. */
export function composePaste(context: ComposeContext, text: string): void {
	insert(context, text, false);
}

/** Types letters into the draft, or into the search of sent messages. */
export function composeType(context: ComposeContext, text: string): void {
	if (context.ui.getState().compose.search === null) insert(context, text, true);
	else typeInSentSearch(context, text);
}

function insert(context: ComposeContext, text: string, typed: boolean): void {
	if (context.ui.getState().mode === 'read') openCompose(context, null);
	const {compose} = context.ui.getState();
	const {editor, killed} = compose;
	if (killed.open) closeKill(context);
	const clean = text.replaceAll(/\r\n?/g, '\n').replaceAll('\0', '');
	const command = typed ? commandBegun(compose, clean) : null;
	const next = command ?? edit(editor, {type: 'insert', text: clean});
	setEditor(context, typed ? readdressed(compose, next) : next, typed);
}

/** Where `/urgent` was typed in place of the prefilled mention, the mention follows it. */
function readdressed({editor, prefill}: Compose, next: Editor): Editor {
	const typed = beginsUrgent(next.text) && !beginsUrgent(editor.text) ? messageIn(next.text).body : null;
	if (typed === null || typed.startsWith('@')) return next;
	const text = draftOf(prefill + typed, true);
	return {text, cursor: text.length};
}

/**
 * Typing `/` into an empty draft begins a command, which replaces the prefilled mention; a second `/` restores the mention.
 */
function commandBegun(compose: Compose, typed: string): Editor | null {
	const {editor, prefill, undo} = compose;
	const begins = editor.text === prefill && editor.cursor === prefill.length && typed.startsWith('/');
	const goesOn = editor.text === '/' && editor.cursor === 1 && undo.before.at(-1)?.text === prefill;
	if (!begins && !goesOn) return null;
	const text = begins ? typed : `/${typed}`;
	const whole = text.startsWith('//') && prefill !== '' ? prefill + text.slice(1) : text;
	return {text: whole, cursor: whole.length};
}

/** Handles a key in compose mode. */
export function composeKey(context: ComposeContext, key: string): void {
	if (sentSearchKey(context, key) || completionKey(context, key)) return;
	const {compose, keymap} = context.ui.getState();
	const {editor} = compose;
	if (compose.killed.open && !killing.has(key)) closeKill(context);
	const action = keymap.actionOf('compose', key);
	const untouched = !hasDraft(compose) && editor.cursor === editor.text.length;
	if (action === 'pick_tag' && (key.length > 1 || untouched)) {
		return openTagPicker(context);
	}
	if (action === 'leave') return context.ui.setState({mode: 'read'});
	if (action === 'newline') return setEditor(context, edit(editor, {type: 'insert', text: '\n'}));
	if (action === 'send') return send(context);
	if (action === 'search_sent') return openSentSearch(context);
	if (action === 'edit_elsewhere') return openEditor(context);
	if (key === '^y') return setEditor(context, edit(editor, {type: 'insert', text: compose.killed.text}));
	if (key === '^_') return undo(context);
	if (key === 'up' || key === '^p') return moveOrRecall(context, 'up');
	if (key === 'down' || key === '^n') return moveOrRecall(context, 'down');
	const kill = killWithKey(editor, compose.killed, key);
	if (kill !== null) {
		setEditor(context, kill.editor);
		return setCompose(context, {killed: kill.killed});
	}
	const change = editOf(key);
	if (change !== undefined) return setEditor(context, edit(editor, change));
	if (Array.from(key).length === 1) composeType(context, key);
}

/** Opens the draft in $EDITOR; the saved text replaces the draft, or a notice says why not. */
function openEditor(context: ComposeContext): void {
	const {editElsewhere, ui} = context;
	if (editElsewhere === null) return setCompose(context, {error: 'An editor needs a terminal.'});
	void editElsewhere(ui.getState().compose.editor.text).then(edited => {
		if ('failure' in edited) return ui.setState({notice: edited.failure});
		return setEditor(context, {text: edited.text, cursor: edited.text.length});
	});
}

/** The next kill starts a new text for ^Y. */
function closeKill(context: ComposeContext): void {
	setCompose(context, {killed: {...context.ui.getState().compose.killed, open: false}});
}

function undo(context: ComposeContext): void {
	const back = undone(context.ui.getState().compose.undo);
	if (back !== null) setCompose(context, {...back, error: null, completion: 0});
}

/** Asks which tag to write as. */
export function openTagPicker(context: ComposeContext): void {
	const {ui} = context;
	const overlay = tagPicker(context, {
		title: p`Write as  #`,
		tagsFor: matchingTags,
		previous: null,
		onPick(tag) {
			// In compose mode the draft is kept, even if it is a reply without text.
			if (ui.getState().mode === 'read') openCompose(context, null);
			const {compose} = ui.getState();
			// Remove a prefilled mention of the tag itself.
			const alone = !hasDraft(compose) && sameTag(compose.prefill.trim(), `@${tag}`);
			setCompose(context, {tag, error: null, ...(alone ? {editor: emptyEditor, prefill: ''} : {})});
		},
		// `##` types a `#`.
		firstKey(key) {
			if (key !== '#') return false;
			ui.setState({overlay: null});
			composePaste(context, '#');
			return true;
		},
	});
	ui.setState({overlay});
}
