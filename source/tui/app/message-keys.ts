import type {Message} from '../../mailbox/message.ts';
import {isWaitingFor} from '../../store/select.ts';
import type {Reference, ReferenceTarget} from '../model/reference.ts';
import {openCompose} from '../compose/keys.ts';
import {quoteInto} from '../compose/quote.ts';
import type {ComposeContext} from '../model/draft.ts';
import {linkReferences, taskReferences} from '../panes/references.ts';
import {hasMessages, tasksPane, type PaneId} from '../model/pane-id.ts';
import {currentEntry, withView} from '../panes/navigate.ts';
import type {Platform} from '../terminal/platform.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {taskList} from '../panes/task-rows.ts';
import {openThread, reveal, withJump} from '../panes/jump-list.ts';
import {counted} from '../settings/words.ts';
import {pickReference} from './pick-reference.ts';

/** What the message keys need. */
export interface MessageContext extends ComposeContext {
	/** Null without a terminal. */
	readonly platform: Platform | null;
	/** Focuses a pane, bringing it to the screen if needed. */
	readonly focus: (pane: PaneId) => void;
}

/** The message that the keys act on; undefined if there is none, or it is not sent yet. */
export function selectedMessage({store, ui}: MessageContext): Message | undefined {
	const now = ui.getState();
	const entry = hasMessages(now.focus) ? currentEntry(store.getState(), now) : undefined;
	return entry?.kind === 'message' ? entry.message : undefined;
}

function say({ui}: MessageContext, notice: string): void {
	ui.setState({notice});
}

/** Opens the thread of the message; in a thread, the task that the message mentions. */
export function openSelected(context: MessageContext): void {
	const {store, ui} = context;
	const now = ui.getState();
	const message = selectedMessage(context);
	if (message === undefined) return;
	if (!now.threads.has(now.focus)) return openThread(context, message);
	followOne(context, p`Go to`, taskReferences(store.getState(), message), 'This message mentions no task.');
}

/** Follows the only choice, or asks which one. */
function followOne(context: MessageContext, title: Printable, references: readonly Reference[], none: string): void {
	const [first] = references;
	if (first === undefined) return say(context, none);
	if (references.length === 1) return follow(context, first.target);
	const overlay = pickReference(context.ui, {title, references, choose: target => follow(context, target)});
	context.ui.setState({overlay});
}

function follow(context: MessageContext, target: ReferenceTarget): void {
	if (target.type === 'link') void browse(context, target.address);
	else goToTask(context, target.id);
}

function goToTask(context: MessageContext, id: number): void {
	const {store, ui} = context;
	if (!taskList(store.getState()).order.some(task => task.id === id)) {
		return say(context, `#${id} is finished and no longer shown here; see ${ui.getState().program} tasks list.`);
	}
	const jumps = withJump(ui.getState(), tasksPane);
	context.focus(tasksPane);
	ui.setState({...withView(ui.getState(), tasksPane, {anchor: null, selected: String(id)}), jumps});
}

/** Opens the compose line for a reply; for a message that could not be sent, with its text. */
export function reply(context: MessageContext): void {
	const {store, ui} = context;
	const now = ui.getState();
	const entry = hasMessages(now.focus) ? currentEntry(store.getState(), now) : undefined;
	if (entry === undefined) return say(context, 'There is no message to reply to here.');
	openCompose(context, entry);
	reveal(context, now.focus);
}

/** Marks the message as done. */
export function acknowledge(context: MessageContext): void {
	const {store} = context;
	const state = store.getState();
	const message = selectedMessage(context);
	const me = state.identity?.tag;
	if (message === undefined || me === undefined || !isWaitingFor(state, message, me)) {
		return say(context, 'This message does not wait for you.');
	}
	void store.acknowledge([message.id], 'acked');
}

/** Begins a reply that quotes the selected message. */
export function quoteSelected(context: MessageContext): void {
	const message = selectedMessage(context);
	if (message === undefined) return say(context, 'There is no message to quote here.');
	quoteInto(context, message);
	reveal(context, context.ui.getState().focus);
}

export function copyText(context: MessageContext): void {
	const message = selectedMessage(context);
	if (message === undefined) return say(context, 'There is no message to copy here.');
	copy(context, message.body, `Copied ${counted(message.body.length, 'character')} of #${message.id}.`);
}

/** Copies a shell command that shows the message's thread, with a comment for humans. */
export function copyLink(context: MessageContext): void {
	const message = selectedMessage(context);
	const {platform, ui} = context;
	if (message === undefined) return say(context, 'There is no message to copy here.');
	const line = `${ui.getState().program} thread ${message.id}`;
	copy(context, `${line}  # ${message.tag} in ${platform?.name ?? 'agentmux'}`, `Copied \`${line}\`.`);
}

export function openLink(context: MessageContext): void {
	const message = selectedMessage(context);
	const links = message === undefined ? [] : linkReferences(context.ui.getState(), message);
	followOne(context, p`Open`, links, 'This message has no links.');
}

async function browse(context: MessageContext, address: string): Promise<void> {
	const {host} = new URL(address);
	say(context, `Opening ${printable(host)}`);
	if ((await context.platform?.browse(address)) === true) return;
	copy(context, address, `No browser opened; copied the address at ${printable(host)}.`);
}

function copy(context: MessageContext, text: string, notice: string): void {
	const {platform} = context;
	if (platform === null) return say(context, 'Copying needs a terminal.');
	void platform.copy(text).then(() => say(context, notice));
}
