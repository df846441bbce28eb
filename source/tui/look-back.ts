import {MailboxError} from '../mailbox/error.ts';
import {heldOf} from '../store/held.ts';
import type {MailboxStore} from '../store/mailbox-store.ts';
import {layoutOf} from './current-layout.ts';
import type {PaneId} from './pane-id.ts';
import {moved, type Wanted} from './navigate.ts';
import {feedOf} from './panes/source.ts';
import {viewOf, type UiStore} from './ui.ts';

interface Looking {
	readonly store: MailboxStore;
	readonly ui: UiStore;
}

/** Tells the store where a pane looks, and reads what it will show next. What cannot be reached is asked for at the next motion. */
export function lookBack({store, ui}: Looking, pane: PaneId, wants: Wanted): void {
	const feed = feedOf(ui.getState(), pane);
	if (feed === null) return;
	const {anchor} = viewOf(ui.getState(), pane);
	const id = anchor === null ? Number.NaN : Number(anchor.key);
	store.look(feed, anchor === null ? null : Number.isNaN(id) ? Infinity : id);
	if (wants === 'older') quietly(store.loadOlder(feed));
	if (wants === 'newer') quietly(store.loadNewer(feed));
	if (wants === 'oldest') quietly(toOldest({store, ui}, pane));
}

/**
 * Reads older messages for each pane on the screen that holds fewer than it has room for: those of a quiet channel lie
 * before the window. Cheap enough to be asked at every change.
 */
export function fillPanes({store, ui}: Looking): void {
	const state = store.getState();
	if (!state.loaded || state.connection.phase === 'offline') return;
	const now = ui.getState();
	for (const {id, rect} of layoutOf(now).panes) {
		const feed = feedOf(now, id);
		if (feed === null || viewOf(now, id).anchor !== null) continue;
		const {past, recent, atStart} = heldOf(state, feed);
		// A message takes three lines at least.
		if (!atStart && 3 * (past.length + recent.length) < rect.height) quietly(store.loadOlder(feed));
	}
}

/** Unless the human went elsewhere meanwhile. */
async function toOldest({store, ui}: Looking, pane: PaneId): Promise<void> {
	const feed = feedOf(ui.getState(), pane);
	const before = viewOf(ui.getState(), pane);
	if (feed === null) return;
	await store.loadOldest(feed);
	const now = ui.getState();
	if (now.focus !== pane || viewOf(now, pane) !== before || feedOf(now, pane) !== feed) return;
	ui.setState(moved(store.getState(), now, layoutOf(now), 'oldest').ui);
}

function quietly(work: Promise<unknown>): void {
	work.catch((error: unknown) => {
		// That nothing can be reached stands in the first row.
		if (!(error instanceof MailboxError)) throw error;
	});
}
