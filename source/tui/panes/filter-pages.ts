import {MailboxError} from '../../mailbox/error.ts';
import {asksForUnread, narrowed, type Filter} from '../../mailbox/filter.ts';
import {allFeed, inboxFeed, type FeedId} from '../../store/state/feed.ts';
import type {State} from '../../store/state/state.ts';
import type {PaneId} from '../model/pane-id.ts';
import type {Ui, ScreenContext} from '../model/ui.ts';
import type {PaneFilter} from '../model/pane-filter.ts';
import {filteredOf} from '../model/filtered.ts';

const pageSize = 200;
/** The mailbox cannot test is:unread, so up to this many pages are read until one has a match. */
const maxReads = 10;
/** How many older matches to keep. */
const maxKept = 5000;

const running = new WeakMap<PaneFilter['test'], Promise<void>>();

/**
 * Reads the next older page of matches for a pane's filter; concurrent calls share one request. If the mailbox cannot be
 * reached, the next motion tries again.
 */
export async function loadOlderMatching(context: ScreenContext, pane: PaneId): Promise<void> {
	const filter = context.ui.getState().filters.get(pane);
	if (filter === undefined) return;
	const begun = running.get(filter.test) ?? readOlder(context, pane, filter).finally(() => running.delete(filter.test));
	running.set(filter.test, begun);
	await begun;
}

/** Reads pages until nothing older matches, or the limit is reached. */
export async function loadAllMatching(context: ScreenContext, pane: PaneId): Promise<void> {
	const {store, ui} = context;
	const first = ui.getState().filters.get(pane);
	for (let now = first; now !== undefined && now.test === first?.test;) {
		if (filteredOf(store.getState(), pane, now).atStart) return;
		await loadOlderMatching(context, pane);
		const next = ui.getState().filters.get(pane);
		if (next === now) return;
		now = next;
	}
}

async function readOlder({store, ui}: ScreenContext, pane: PaneId, filter: PaneFilter): Promise<void> {
	try {
		for (let read = 0; read < maxReads; read++) {
			const now = ui.getState().filters.get(pane);
			if (now?.test !== filter.test) return;
			const {older, from, atStart} = filteredOf(store.getState(), pane, now);
			if (atStart || older.length >= maxKept) return;
			const before = older[0]?.id ?? from;
			const found = await store.search(inFeed(now.filter, pane, store.getState()), {limit: pageSize, before});
			// Only the screen knows what is unread.
			const fitting = asksForUnread(now.filter) ? found.filter(message => now.test(message)) : found;
			const next = {...now, older: [...fitting.toReversed(), ...older], upper: from, complete: found.length < pageSize};
			ui.setState(ui2 => withPage(ui2, pane, next));
			if (fitting.length > 0 || next.complete) return;
		}
	} catch (error) {
		if (!(error instanceof MailboxError)) throw error;
	}
}

function withPage(ui: Ui, pane: PaneId, next: PaneFilter): Partial<Ui> {
	if (ui.filters.get(pane)?.test !== next.test) return {};
	return {filters: new Map(ui.filters).set(pane, next)};
}

/** The filter, limited to the messages of the pane. */
function inFeed(filter: Filter, feed: FeedId, {identity}: State): Filter {
	if (feed === allFeed) return filter;
	if (feed !== inboxFeed) return narrowed(filter, {kind: 'tag', tag: feed, not: false});
	const me = identity?.tag ?? '';
	return narrowed(filter, {kind: 'to', tag: me, not: false}, {kind: 'from', tag: me, not: true});
}
