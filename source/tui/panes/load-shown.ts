import {MailboxError} from '../../mailbox/error.ts';
import {loadedOf} from '../../store/loaded.ts';
import {layoutOf} from '../model/current-layout.ts';
import {loadAllMatching, loadOlderMatching} from './filter-pages.ts';
import type {PaneId} from '../model/pane-id.ts';
import {moved, type Wanted} from './navigate.ts';
import {feedOf} from './source.ts';
import {viewOf, type Ui, type ScreenContext} from '../model/ui.ts';

/** Tells the store which messages a pane shows, and loads what it will need. After a failure, the next motion tries again. */
export function loadShown({store, ui}: ScreenContext, pane: PaneId, wants: Wanted): void {
	const feed = feedOf(ui.getState(), pane);
	if (feed === null) return;
	if (isFiltered(ui.getState(), pane)) {
		if (wants === 'older') quietly(loadOlderMatching({store, ui}, pane));
		if (wants === 'oldest') quietly(toOldest({store, ui}, pane));
		return;
	}
	const {anchor} = viewOf(ui.getState(), pane);
	const id = anchor === null ? Number.NaN : Number(anchor.key);
	store.look(feed, anchor === null ? null : Number.isNaN(id) ? Infinity : id);
	if (wants === 'older') quietly(store.loadOlder(feed));
	if (wants === 'newer') quietly(store.loadNewer(feed));
	if (wants === 'oldest') quietly(toOldest({store, ui}, pane));
}

/**
 * Fills each pane that follows the newest messages: those of a quiet channel are older than the loaded window and are read.
 * Cheap enough to be called at every change.
 */
export function fillPanes({store, ui}: ScreenContext): void {
	const state = store.getState();
	if (!state.loaded || state.connection.phase === 'offline') return;
	const now = ui.getState();
	for (const {id, rect} of layoutOf(now).panes) {
		const feed = feedOf(now, id);
		if (feed === null || viewOf(now, id).anchor !== null) continue;
		const {scrollback, recent, atStart} = loadedOf(state, feed);
		// A message takes at least three lines.
		if (!atStart && 3 * (scrollback.length + recent.length) < rect.height) quietly(store.loadOlder(feed));
	}
}

/** Releases older messages when the focused pane follows the newest again, whatever caused that. */
export function releaseFollowed({store, ui}: ScreenContext): () => void {
	return ui.subscribe((now, before) => {
		if (now.views === before.views) return;
		const feed = feedOf(now, now.focus);
		const isBack = viewOf(now, now.focus).anchor === null && viewOf(before, now.focus).anchor !== null;
		if (feed !== null && isBack) store.look(feed, null);
	});
}

/** Goes to the oldest message once it is loaded, unless the human has moved meanwhile. */
async function toOldest({store, ui}: ScreenContext, pane: PaneId): Promise<void> {
	const feed = feedOf(ui.getState(), pane);
	const before = viewOf(ui.getState(), pane);
	if (feed === null) return;
	await (isFiltered(ui.getState(), pane) ? loadAllMatching({store, ui}, pane) : store.loadOldest(feed));
	const now = ui.getState();
	if (now.focus !== pane || viewOf(now, pane) !== before || feedOf(now, pane) !== feed) return;
	ui.setState(moved(store.getState(), now, layoutOf(now), 'oldest').ui);
}

function isFiltered({filters, threads}: Ui, pane: PaneId): boolean {
	return filters.has(pane) && !threads.has(pane);
}

function quietly(work: Promise<unknown>): void {
	work.catch((error: unknown) => {
		// The top line already shows that the mailbox cannot be reached.
		if (!(error instanceof MailboxError)) throw error;
	});
}
