import {MailboxError} from '../../mailbox/error.ts';
import type {Message} from '../../mailbox/message.ts';
import {threadFeed} from '../../store/feed.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import {revealing, withView} from './navigate.ts';
import {homeOf, viewOf, type Stop, type Ui, type UiStore} from '../model/ui.ts';

interface Walker {
	readonly store: MailboxStore;
	readonly ui: UiStore;
}

/** Steps that Esc goes back at the most. */
const maxJumps = 20;

/** Opens the thread of a message beside or over the pane that has the keys, with the message in view. */
export function openThread({store, ui}: Walker, message: Message): void {
	const {thread_id: root} = message;
	const now = ui.getState();
	const pane = threadFeed(root);
	ui.setState(withThreadOpen(now, message));
	forget({store, ui}, now);
	reveal({store, ui}, pane);
	const shown = viewOf(ui.getState(), pane);
	// Unless somebody has moved meanwhile.
	load({store, ui}, root, () => {
		if (viewOf(ui.getState(), pane) === shown) reveal({store, ui}, pane);
	});
}

/** With the thread of a message at the pane that has the keys. Pure. */
function withThreadOpen(ui: Ui, {thread_id: root, id}: Message): Ui {
	const pane = threadFeed(root);
	const threadAt = homeOf(ui, ui.focus);
	const opened: Ui = {...ui, threads: new Map([[pane, root]]), threadAt, focus: pane, jumps: walked(ui, pane)};
	return withView(opened, pane, {anchor: null, selected: String(id)});
}

/**
 * Keeps the keys where they can be seen: a thread that stands over its pane has them, and one that stands over the pane
 * that others were given goes.
 */
export function settleThreads(ui: UiStore): void {
	ui.subscribe(() => {
		// Another listener may have changed more meanwhile.
		const now = ui.getState();
		if (now.threads.size === 0) return;
		const {panes} = layoutOf(now);
		if (panes.length === 0 || panes.some(({id}) => id === now.focus)) return;
		const [thread] = now.threads.keys();
		if (now.focus === now.threadAt && thread !== undefined) ui.setState({focus: thread});
		else ui.setState({threads: new Map(), threadAt: null, focus: homeOf(now, now.focus)});
	});
}

/** Reads a thread; what keeps it from being read is said. */
function load({store, ui}: Walker, root: number, then = () => {}): void {
	store.loadThread(root).then(then, (error: unknown) => {
		if (!(error instanceof MailboxError)) throw error;
		ui.setState({notice: error.sentence});
	});
}

/** Brings what is selected in a pane into view. */
export function reveal({store, ui}: Walker, pane: PaneId): void {
	const now = ui.getState();
	ui.setState(revealing(store.getState(), now, layoutOf(now), pane));
}

/** The trail, with a step from here to a pane. */
export function walked({focus, threads, threadAt, jumps}: Ui, to: PaneId): readonly Stop[] {
	return [...jumps, {to, focus, threads, threadAt}].slice(-maxJumps);
}

/** Goes back the way one came; false when one came to this pane in no other way than by looking at it. */
export function stepBack({store, ui}: Walker): boolean {
	const now = ui.getState();
	const stop = now.jumps.at(-1);
	if (stop?.to === now.focus) {
		const {focus, threads, threadAt} = stop;
		ui.setState({focus, threads, threadAt, jumps: now.jumps.slice(0, -1)});
		forget({store, ui}, now);
		// What was read of it may have been dropped meanwhile.
		for (const root of threads.values()) load({store, ui}, root);
		return true;
	}
	if (!now.threads.has(now.focus)) return false;
	// Others were looked at since: the thread is closed, and the way to it is of no use any more.
	ui.setState({focus: now.threadAt ?? now.focus, threads: new Map(), threadAt: null, jumps: []});
	forget({store, ui}, now);
	return true;
}

/** Nobody looks any more at a thread that was open before and is not now. */
function forget({store, ui}: Walker, before: Ui): void {
	for (const [pane, root] of before.threads) {
		if (!ui.getState().threads.has(pane)) store.look(threadFeed(root), null);
	}
}
