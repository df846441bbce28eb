import {belongs} from '../../store/state/feed.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {waitingForMe} from '../../store/select.ts';
import type {UiStore} from '../model/ui.ts';
import {newestSeen} from '../panes/navigate.ts';

/** An upper limit of the messages that fit on a screen. */
const maxOnScreen = 30;

/**
 * Returns what marks the focused pane as read up to the newest message that it shows, and records the delivery of those that
 * wait for the human. Call it after every change; it sends nothing twice.
 */
export function createSeenMarker({store, ui}: {readonly store: MailboxStore; readonly ui: UiStore}): () => void {
	const marked = new Map<string, number>();
	return () => {
		const now = ui.getState();
		const state = store.getState();
		if (!state.loaded || now.timeline !== null) return;
		const id = newestSeen(state, now);
		const feed = now.focus;
		if (id === 0 || marked.get(feed) === id) return;
		marked.set(feed, id);
		store.markSeen(feed, id);
		const shown = waitingForMe(state)
			.slice(-maxOnScreen)
			.filter(message => belongs(state.identity, feed, message));
		void store.acknowledge(
			shown.map(message => message.id),
			'delivered',
		);
	};
}
