import type {Message} from '../../mailbox/message.ts';
import {isWaitingFor} from '../../store/select.ts';
import type {Choice, Target} from '../model/choice.ts';
import {openCompose} from '../compose/keys.ts';
import {quoteInto} from '../compose/quote.ts';
import type {ComposeContext} from '../model/draft.ts';
import {linkReferences, taskReferences} from '../panes/references.ts';
import {hasMessages, tasksPane, type PaneId} from '../model/pane-id.ts';
import {currentEntry, withView} from '../panes/navigate.ts';
import type {Platform} from '../terminal/platform.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {taskList} from '../panes/task-rows.ts';
import {openThread, reveal, walked} from '../panes/jump-list.ts';
import {counted} from '../settings/words.ts';
import {choice} from './choice.ts';

/** What the keys of a message work with. */
export interface MessageContext extends ComposeContext {
	/** Null where there is no terminal. */
	readonly platform: Platform | null;
	/** Gives a pane the keys, wherever it is. */
	readonly focus: (pane: PaneId) => void;
}

/** The message that the keys act on; undefined where there is none, or it is not sent yet. */
export function chosenMessage({store, ui}: MessageContext): Message | undefined {
	const now = ui.getState();
	const entry = hasMessages(now.focus) ? currentEntry(store.getState(), now) : undefined;
	return entry?.kind === 'message' ? entry.message : undefined;
}

function say({ui}: MessageContext, notice: string): void {
	ui.setState({notice});
}

/** Opens the thread of the message; in a thread, the task that the message speaks of. */
export function openChosen(context: MessageContext): void {
	const {store, ui} = context;
	const now = ui.getState();
	const message = chosenMessage(context);
	if (message === undefined) return;
	if (!now.threads.has(now.focus)) return openThread(context, message);
	choose(context, p`Go to`, taskReferences(store.getState(), message), 'No task is named in this message.');
}

/** One lead is followed at once; of several one is chosen. */
function choose(context: MessageContext, title: Printable, choices: readonly Choice[], none: string): void {
	const [first] = choices;
	if (first === undefined) return say(context, none);
	if (choices.length === 1) return follow(context, first.target);
	const overlay = choice(context.ui, {title, choices, choose: target => follow(context, target)});
	context.ui.setState({overlay});
}

function follow(context: MessageContext, target: Target): void {
	if (target.type === 'link') void browse(context, target.address);
	else goToTask(context, target.id);
}

function goToTask(context: MessageContext, id: number): void {
	const {store, ui} = context;
	if (!taskList(store.getState()).order.some(task => task.id === id)) {
		return say(context, `#${id} is finished and not listed any more: ${ui.getState().program} tasks list`);
	}
	const jumps = walked(ui.getState(), tasksPane);
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
	const message = chosenMessage(context);
	const me = state.identity?.tag;
	if (message === undefined || me === undefined || !isWaitingFor(state, message, me)) {
		return say(context, 'This message does not wait for you.');
	}
	void store.acknowledge([message.id], 'acked');
}

/** A reply with the message's beginning before it. */
export function quoteChosen(context: MessageContext): void {
	const message = chosenMessage(context);
	if (message === undefined) return say(context, 'There is no message to quote here.');
	quoteInto(context, message);
	reveal(context, context.ui.getState().focus);
}

export function copyText(context: MessageContext): void {
	const message = chosenMessage(context);
	if (message === undefined) return say(context, 'There is no message to copy here.');
	copy(context, message.body, `Copied ${counted(message.body.length, 'character')} of #${message.id}.`);
}

/** A line for a shell that shows the message with all replies, and says to a human what it is. */
export function copyLink(context: MessageContext): void {
	const message = chosenMessage(context);
	const {platform, ui} = context;
	if (message === undefined) return say(context, 'There is no message to copy here.');
	const line = `${ui.getState().program} thread ${message.id}`;
	copy(context, `${line}  # ${message.tag} in ${platform?.name ?? 'agentmux'}`, `Copied \`${line}\`.`);
}

export function openLink(context: MessageContext): void {
	const message = chosenMessage(context);
	const links = message === undefined ? [] : linkReferences(context.ui.getState(), message);
	choose(context, p`Open`, links, 'There is no link in this message.');
}

async function browse(context: MessageContext, address: string): Promise<void> {
	const {host} = new URL(address);
	say(context, `Opening ${printable(host)}`);
	if ((await context.platform?.browse(address)) === true) return;
	copy(context, address, `Nothing here opens links: the address at ${printable(host)} was copied.`);
}

function copy(context: MessageContext, text: string, notice: string): void {
	const {platform} = context;
	if (platform === null) return say(context, 'There is no terminal to copy with.');
	void platform.copy(text).then(() => say(context, notice));
}
