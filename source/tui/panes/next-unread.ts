import {MailboxError} from '../../mailbox/error.ts';
import {loadedOf} from '../../store/loaded.ts';
import {seenUpTo} from '../../store/unread.ts';
import type {State} from '../../store/state/state.ts';
import {layoutOf} from '../model/current-layout.ts';
import {loadShown} from './load-shown.ts';
import {withMessageAtTop} from './navigate.ts';
import {focusPane} from './pane-keys.ts';
import type {PaneId} from '../model/pane-id.ts';
import {withoutThreadAt, type ScreenContext} from '../model/ui.ts';
import {unreadIn} from '../model/unread.ts';

/** Focuses the next pane with unread messages, and selects the first of them. */
export async function nextUnread(context: ScreenContext): Promise<void> {
	const {store, ui} = context;
	const {arrangement, focus} = ui.getState();
	const panes = arrangement.order.filter(id => !arrangement.hidden.has(id));
	const at = panes.indexOf(focus);
	const pane = [...panes.slice(at + 1), ...panes.slice(0, at + 1)].find(id => unreadIn(store.getState(), id) > 0);
	if (pane === undefined) return ui.setState({notice: 'There are no unread messages.'});
	const seen = seenUpTo(store.getState(), pane);
	focusPane(context, pane);
	ui.setState(now => withoutThreadAt(now, pane));
	const isBefore = seen + 1 < store.getState().from && !isLoaded(store.getState(), pane, seen + 1);
	if (isBefore && !(await succeeds(store.loadAround(pane, seen + 1)))) return;
	if (ui.getState().focus !== pane) return;
	ui.setState(now => withMessageAtTop(store.getState(), now, layoutOf(now), seen + 1));
	loadShown(context, pane, null);
}

function isLoaded(state: State, pane: PaneId, id: number): boolean {
	const scrollback = state.scrollbacks.get(pane);
	return scrollback !== undefined && scrollback.lower <= id && loadedOf(state, pane).atEnd;
}

/** False if the mailbox cannot be reached. */
async function succeeds(work: Promise<void>): Promise<boolean> {
	try {
		await work;
		return true;
	} catch (error) {
		if (error instanceof MailboxError) return false;
		throw error;
	}
}
