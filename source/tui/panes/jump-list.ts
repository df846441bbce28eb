import {MailboxError} from '../../mailbox/error.ts';
import type {Message} from '../../mailbox/message.ts';
import {threadFeed} from '../../store/state/feed.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import {withSelectionVisible, withView} from './navigate.ts';
import {homeOf, viewOf, type Jump, type Ui, type UiStore, type ScreenContext} from '../model/ui.ts';

/** How many steps Esc can go back. */
const maxJumps = 20;

/** Opens the thread of a message next to or over the focused pane, with the message in view. */
export function openThread({store, ui}: ScreenContext, message: Message): void {
	const {thread_id: root} = message;
	const now = ui.getState();
	const pane = threadFeed(root);
	ui.setState(withThreadOpen(now, message));
	releaseThreads({store, ui}, now);
	reveal({store, ui}, pane);
	const shown = viewOf(ui.getState(), pane);
	// Unless the human has moved meanwhile.
	loadThread({store, ui}, root, () => {
		if (viewOf(ui.getState(), pane) === shown) reveal({store, ui}, pane);
	});
}

/** The ui with the thread of a message at the focused pane. Pure. */
function withThreadOpen(ui: Ui, {thread_id: root, id}: Message): Ui {
	const pane = threadFeed(root);
	const threadAt = homeOf(ui, ui.focus);
	const opened: Ui = {...ui, threads: new Map([[pane, root]]), threadAt, focus: pane, jumps: withJump(ui, pane)};
	return withView(opened, pane, {anchor: null, selected: String(id)});
}

/**
 * Keeps the focus visible. If a thread covers the focused pane, the thread is focused; if it covers another pane that was
 * focused, the thread is closed.
 */
export function keepFocusVisible(ui: UiStore): void {
	ui.subscribe(() => {
		// Another listener may have changed the state meanwhile.
		const now = ui.getState();
		if (now.threads.size === 0) return;
		const {panes} = layoutOf(now);
		if (panes.length === 0 || panes.some(({id}) => id === now.focus)) return;
		const [thread] = now.threads.keys();
		if (now.focus === now.threadAt && thread !== undefined) ui.setState({focus: thread});
		else ui.setState({threads: new Map(), threadAt: null, focus: homeOf(now, now.focus)});
	});
}

/** Loads a thread, and reports a failure. */
function loadThread({store, ui}: ScreenContext, root: number, then = () => {}): void {
	store.loadThread(root).then(then, (error: unknown) => {
		if (!(error instanceof MailboxError)) throw error;
		ui.setState({notice: error.sentence});
	});
}

/** Scrolls a pane to its selected entry. */
export function reveal({store, ui}: ScreenContext, pane: PaneId): void {
	const now = ui.getState();
	ui.setState(withSelectionVisible(store.getState(), now, layoutOf(now), pane));
}

/** The jump list with a jump from here to a pane. */
export function withJump({focus, threads, threadAt, jumps}: Ui, to: PaneId): readonly Jump[] {
	return [...jumps, {to, focus, threads, threadAt}].slice(-maxJumps);
}

/** Goes back along the jump list, or closes the thread; false if there is neither. */
export function stepBack({store, ui}: ScreenContext): boolean {
	const now = ui.getState();
	const stop = now.jumps.at(-1);
	if (stop?.to === now.focus) {
		const {focus, threads, threadAt} = stop;
		ui.setState({focus, threads, threadAt, jumps: now.jumps.slice(0, -1)});
		releaseThreads({store, ui}, now);
		// Its messages may have been dropped meanwhile.
		for (const root of threads.values()) loadThread({store, ui}, root);
		return true;
	}
	if (!now.threads.has(now.focus)) return false;
	// Other panes were focused since, so the jump list is useless; just close the thread.
	ui.setState({focus: now.threadAt ?? now.focus, threads: new Map(), threadAt: null, jumps: []});
	releaseThreads({store, ui}, now);
	return true;
}

/** Tells the store that a thread that was closed is no longer shown. */
function releaseThreads({store, ui}: ScreenContext, before: Ui): void {
	for (const [pane, root] of before.threads) {
		if (!ui.getState().threads.has(pane)) store.look(threadFeed(root), null);
	}
}
