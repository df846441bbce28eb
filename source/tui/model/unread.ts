import {foldTag} from '../../mailbox/tag.ts';
import {seenUpTo, unreadCount} from '../../store/unread.ts';
import type {State} from '../../store/state/state.ts';
import {p, type Printable} from '../../printable.ts';
import {hasMessages, inboxPane, isChannelPane, type PaneId} from './pane-id.ts';
import type {ScreenContext, Ui} from './ui.ts';

/**
 * How many messages in a pane count as unread. ALL counts none, because each message is in another pane too. A channel whose
 * unread messages are all older than the loaded window counts at least one.
 */
export function unreadIn(state: State, pane: PaneId): number {
	if (!isChannelPane(pane) && pane !== inboxPane) return 0;
	const unread = unreadCount(state, pane);
	if (unread > 0 || !state.loaded) return unread;
	const lastId = state.channels.get(foldTag(pane))?.last_id ?? 0;
	return lastId < state.from && lastId > seenUpTo(state, pane) ? 1 : 0;
}

/** The count, with a `+` if there may be more before the loaded window; empty for none. */
export function unreadLabel(state: State, pane: PaneId): Printable {
	const unread = unreadIn(state, pane);
	return unread === 0 ? p`` : p`${unread}${seenUpTo(state, pane) + 1 < state.from ? '+' : ''}`;
}

/** Records how far each pane was read when it gets the focus, so that its `new` line stays there until the next time. */
export function rememberLastLooks({store, ui}: ScreenContext): () => void {
	return ui.subscribe((now, before) => {
		if (now.focus === before.focus || !hasMessages(now.focus)) return;
		const state = store.getState();
		const newFrom = new Map(now.newFrom);
		const isNew = unreadIn(state, now.focus) > 0 || unreadCount(state, now.focus) > 0;
		if (isNew) newFrom.set(now.focus, seenUpTo(state, now.focus));
		else newFrom.delete(now.focus);
		ui.setState({newFrom});
	});
}

/** The id below which a pane shows the `new` line; null if it shows none. */
export function newLineAfter(state: State, ui: Ui, pane: PaneId): number | null {
	if (ui.threads.has(pane)) return null;
	if (pane !== ui.focus && unreadIn(state, pane) > 0) return seenUpTo(state, pane);
	return ui.newFrom.get(pane) ?? null;
}
