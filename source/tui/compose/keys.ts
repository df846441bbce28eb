import {contentOf, maxContentBytes} from '../../mailbox/message.ts';
import {HUMAN, isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {printable} from '../../printable.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state.ts';
import {actionOf} from '../keymap.ts';
import {agentsPane, hasMessages, isChannelPane} from '../pane-id.ts';
import {chosenAgent} from '../panes/agents.ts';
import {channelName} from '../panes/header.ts';
import {readContent, type Entry} from '../panes/source.ts';
import {emptyCompose, following, hasDraft, viewName, type Compose, type Ui, type UiStore} from '../ui.ts';
import {completed, fuzzy, mentioning} from './completion.ts';
import {editOf, killing} from './edit-keys.ts';
import {edit, emptyEditor, isOnFirstLine, isOnLastLine, type Editor} from './editor.ts';

export interface ComposeContext {
	readonly store: MailboxStore;
	readonly ui: UiStore;
}

const mostSent = 100;
let killed = '';

/** Who the draft is written as. */
export function composeTag(state: State, compose: Compose): Tag {
	return compose.tag ?? state.identity?.tag ?? HUMAN;
}

function setCompose({ui}: ComposeContext, change: Partial<Compose>): void {
	ui.setState(now => ({compose: {...now.compose, ...change}}));
}

function setEditor(context: ComposeContext, editor: Editor): void {
	setCompose(context, {editor, error: null, completion: 0});
}

/** Begins to write: as a reply to an entry, or to the focused channel; a draft that is open goes on. */
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
	const me = composeTag(state, now.compose);
	const addressee = reply?.tag ?? addresseeOf(state, now);
	if (reply !== null || !hasDraft(now.compose)) {
		const prefill = addressee === null || sameTag(addressee, me) ? '' : `@${addressee} `;
		const text = hasDraft(now.compose) ? now.compose.editor.text : prefill;
		setCompose(context, {editor: {text, cursor: text.length}, prefill, reply, error: null, recalled: -1});
	}
	ui.setState({mode: 'compose'});
}

/** A message written in a channel's pane is for that channel. */
function addresseeOf(state: State, now: Ui): Tag | null {
	const {focus} = now;
	const name = focus === agentsPane ? chosenAgent(state, now) : isChannelPane(focus) ? channelName(state, focus) : null;
	if (name === null) return null;
	return sameTag(name, 'UNTAGGED') || sameTag(name, 'SYSTEM') ? null : name;
}

/** Text typed or pasted into the draft, in one piece. Pasting where nothing is written opens the draft, never commands. */
export function composePaste(context: ComposeContext, text: string): void {
	if (context.ui.getState().mode === 'read') openCompose(context, null);
	const {editor} = context.ui.getState().compose;
	setEditor(context, edit(editor, {type: 'insert', text: text.replaceAll(/\r\n?/g, '\n').replaceAll('\0', '')}));
}

/** One key while writing. */
export function composeKey(context: ComposeContext, key: string): void {
	const {compose} = context.ui.getState();
	if (completionKey(context, key)) return;
	const action = actionOf('compose', key);
	const untouched = !hasDraft(compose) && compose.editor.cursor === compose.editor.text.length;
	if (action === 'pick_tag' && (key === 'tab' || untouched)) {
		return context.ui.setState({overlay: {kind: 'tags', filter: '', index: 0}});
	}
	if (action === 'leave') return context.ui.setState({mode: 'read'});
	if (action === 'newline') return setEditor(context, edit(compose.editor, {type: 'insert', text: '\n'}));
	if (action === 'send') return send(context);
	if (key === '^y') return setEditor(context, edit(compose.editor, {type: 'insert', text: killed}));
	if (key === 'up' || key === '^p') return vertical(context, 'up');
	if (key === 'down' || key === '^n') return vertical(context, 'down');
	const change = editOf(key);
	if (change !== undefined) {
		const next = edit(compose.editor, change);
		if (killing.has(key)) {
			const size = compose.editor.text.length - next.text.length;
			if (size > 0) killed = compose.editor.text.slice(next.cursor, next.cursor + size);
		}
		return setEditor(context, next);
	}
	if (Array.from(key).length === 1) setEditor(context, edit(compose.editor, {type: 'insert', text: key}));
}

/** Within the draft's lines, then through what was sent before. */
function vertical(context: ComposeContext, to: 'up' | 'down'): void {
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

/** The tags that the mention at the cursor may become; empty when none is being typed. */
export function completions(state: State, compose: Compose): readonly Tag[] {
	const typed = mentioning(compose.editor);
	if (typed === null || compose.completion < 0) return [];
	const me = composeTag(state, compose);
	const matches = fuzzy(
		typed.typed,
		knownTags(state).filter(tag => !sameTag(tag, me)),
	).slice(0, 6);
	const [only] = matches;
	return matches.length === 1 && only === typed.typed ? [] : matches;
}

function completionKey(context: ComposeContext, key: string): boolean {
	const {compose} = context.ui.getState();
	const names = completions(context.store.getState(), compose);
	const typed = mentioning(compose.editor);
	const name = names[compose.completion];
	if (name === undefined || typed === null) return false;
	if (key === 'up' || key === 'down') {
		const step = key === 'up' ? -1 : 1;
		setCompose(context, {completion: (compose.completion + step + names.length) % names.length});
		return true;
	}
	if (key === 'tab' || (key === 'enter' && typed.typed !== '' && !names.some(each => sameTag(each, typed.typed)))) {
		setEditor(context, completed(compose.editor, typed, name));
		return true;
	}
	if (key === 'escape') {
		setCompose(context, {completion: -1});
		return true;
	}
	return false;
}

/** Every tag that one may write as or to: one's own first, then agents, then whoever else wrote. */
function knownTags(state: State): Tag[] {
	const tags = new Map<string, Tag>();
	const add = (tag: Tag) => tags.set(tag.toUpperCase(), tags.get(tag.toUpperCase()) ?? tag);
	add(state.identity?.tag ?? HUMAN);
	add(HUMAN);
	for (const {tag} of state.agents.values()) add(tag);
	for (const {tag} of state.channels.values()) if (!sameTag(tag, 'UNTAGGED') && !sameTag(tag, 'SYSTEM')) add(tag);
	return [...tags.values()];
}

/** What the tag picker offers for what was typed into it; the last one may be new. */
export function offeredTags(state: State, filter: string): Tag[] {
	const names = fuzzy(filter, knownTags(state));
	return isTag(filter) && !names.some(name => sameTag(name, filter)) ? [...names, filter] : names;
}

/** One key in the tag picker. */
export function pickTag(context: ComposeContext, key: string): void {
	const {ui, store} = context;
	const {overlay, compose} = ui.getState();
	if (overlay?.kind !== 'tags') return;
	const names = offeredTags(store.getState(), overlay.filter);
	if (key === 'escape') return ui.setState({overlay: null});
	if (key === 'enter' || key === 'tab') {
		const tag = names[overlay.index];
		if (tag === undefined) return;
		// Nobody writes to himself: an addressee that was put there by itself goes.
		const alone = !hasDraft(compose) && sameTag(compose.prefill.trim(), `@${tag}`);
		ui.setState({overlay: null});
		setCompose(context, {tag, error: null, ...(alone ? {editor: emptyEditor, prefill: ''} : {})});
		return openCompose(context, null);
	}
	if (key === '#' && overlay.filter === '') {
		ui.setState({overlay: null});
		return composePaste(context, '#');
	}
	const moves: Record<string, number> = {up: -1, '^p': -1, down: 1, '^n': 1};
	const step = moves[key];
	if (step !== undefined && names.length > 0) {
		return ui.setState({overlay: {...overlay, index: (overlay.index + step + names.length) % names.length}});
	}
	if (key === 'backspace') return ui.setState({overlay: {...overlay, filter: overlay.filter.slice(0, -1), index: 0}});
	if (/^[A-Za-z0-9_-]$/.test(key)) ui.setState({overlay: {...overlay, filter: overlay.filter + key, index: 0}});
}

/** Hands the draft to the store, which shows it as pending at once; what is refused comes back into the line. */
function send(context: ComposeContext): void {
	const {store, ui} = context;
	const {compose, focus} = ui.getState();
	const body = compose.editor.text.trimEnd();
	if (!hasDraft(compose)) return setCompose(context, {error: 'There is nothing to send yet.'});
	const content = contentOf(composeTag(store.getState(), compose), body);
	const bytes = Buffer.byteLength(content);
	if (bytes > maxContentBytes) {
		const most = maxContentBytes.toLocaleString('en');
		return setCompose(context, {
			error: `The message has ${bytes.toLocaleString('en')} bytes and may have ${most}: send it in parts, or put it into a file.`,
		});
	}
	const client_id = crypto.randomUUID();
	const sent = [...compose.sent.filter(text => text !== body), body].slice(-mostSent);
	const prefill = compose.prefill;
	ui.setState(now => ({
		compose: {...emptyCompose, tag: compose.tag, sent, prefill, editor: {text: prefill, cursor: prefill.length}},
		// What was just written should be seen.
		views: !hasMessages(focus) ? now.views : new Map(now.views).set(viewName(now, focus), following),
	}));
	void store
		.post({content, client_id, ...(compose.reply === null ? {} : {reply_to: compose.reply.id})})
		.then(failure => {
			if (failure === null) return null;
			if (hasDraft(ui.getState().compose)) ui.setState({notice: printable(failure)});
			else takeBack(context, client_id, failure);
			return null;
		});
}

/** A refused message becomes the draft again, with the reason. */
function takeBack(context: ComposeContext, clientId: string, failure: string | null): void {
	const pending = context.store.getState().pending.find(({draft}) => draft.client_id === clientId);
	if (pending === undefined) return;
	const {tag, body} = readContent(pending.draft.content);
	const answered = context.store.getState().messages.find(({id}) => id === pending.draft.reply_to);
	context.store.withdraw(clientId);
	setCompose(context, {
		editor: {text: body, cursor: body.length},
		tag,
		reply: answered === undefined ? null : {id: answered.id, tag: answered.tag},
		error: failure === null ? null : printable(failure),
		recalled: -1,
	});
}
