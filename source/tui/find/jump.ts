import {MailboxError} from '../../mailbox/error.ts';
import type {Message} from '../../mailbox/message.ts';
import {foldTag} from '../../mailbox/tag.ts';
import {printable} from '../../printable.ts';
import {belongs} from '../../store/state/feed.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import {loadShown} from '../panes/load-shown.ts';
import {withMessageCentred} from '../panes/navigate.ts';
import {feedOf, keyOf, sourceOf} from '../panes/source.ts';
import {homeOf, withoutThreadAt, type ScreenContext} from '../model/ui.ts';

export interface Surface extends ScreenContext {
	/** Focuses a pane, even a hidden one. */
	readonly focus: (pane: PaneId) => void;
}

/** Shows a message in context: in the focused pane if it belongs there, otherwise in the channel of its tag. */
export async function jumpTo({store, ui, focus}: Surface, message: Message): Promise<void> {
	const pane = paneFor({store, ui}, message);
	ui.setState(now => withoutThreadAt(now, pane));
	focus(pane);
	// A filter would hide the messages around it.
	const filters = new Map(ui.getState().filters);
	if (filters.delete(pane)) ui.setState({filters, notice: 'Cleared the filter to show the message.'});
	try {
		if (!isShown({store, ui}, pane, message)) await store.loadAround(pane, message.id);
	} catch (error) {
		if (!(error instanceof MailboxError)) throw error;
		return ui.setState({notice: `Cannot load #${message.id}: ${printable(error.message)}`});
	}
	const now = ui.getState();
	// The human has moved meanwhile.
	if (now.focus !== pane) return;
	ui.setState(withMessageCentred(store.getState(), now, layoutOf(now), pane, message.id));
	loadShown({store, ui}, pane, null);
}

function paneFor({store, ui}: ScreenContext, message: Message): PaneId {
	const focus = homeOf(ui.getState(), ui.getState().focus);
	const feed = feedOf({threads: new Map()}, focus);
	return feed !== null && belongs(store.getState().identity, feed, message) ? focus : foldTag(message.tag);
}

function isShown({store, ui}: ScreenContext, pane: PaneId, message: Message): boolean {
	const source = sourceOf(store.getState(), ui.getState(), pane);
	const entry = source.at(source.indexOf(String(message.id)));
	return entry !== undefined && keyOf(entry) === String(message.id);
}
