import {foldTag} from '../../mailbox/tag.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {seenUpTo, unreadCount} from '../../store/unread.ts';
import type {State} from '../../store/state.ts';
import {p, type Printable} from '../../printable.ts';
import {hasMessages, inboxPane, isChannelPane, type PaneId} from './pane-id.ts';
import type {Ui, UiStore} from './ui.ts';

/**
 * What of a pane is counted as unread. All messages together are not: each stands in some other pane too. Where all that is
 * new in a channel lies before the window, it is at least one.
 */
export function unreadIn(state: State, pane: PaneId): number {
	if (!isChannelPane(pane) && pane !== inboxPane) return 0;
	const unread = unreadCount(state, pane);
	if (unread > 0 || !state.loaded) return unread;
	const lastId = state.channels.get(foldTag(pane))?.last_id ?? 0;
	return lastId < state.from && lastId > seenUpTo(state, pane) ? 1 : 0;
}

/** The count in words; those before the window are not known, and `+` says so. */
export function unreadWords(state: State, pane: PaneId): Printable {
	const unread = unreadIn(state, pane);
	return unread === 0 ? p`` : p`${unread}${seenUpTo(state, pane) + 1 < state.from ? '+' : ''}`;
}

/** Keeps where each pane was looked at last when the keys come to it: its line `new` stays there until they come again. */
export function rememberLastLooks({store, ui}: {readonly store: MailboxStore; readonly ui: UiStore}): () => void {
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

/** The id after which the line `new` stands in a pane; null where there is none. */
export function lastLookIn(state: State, ui: Ui, pane: PaneId): number | null {
	if (ui.threads.has(pane)) return null;
	if (pane !== ui.focus && unreadIn(state, pane) > 0) return seenUpTo(state, pane);
	return ui.newFrom.get(pane) ?? null;
}
