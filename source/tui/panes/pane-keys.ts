import {
	withPaneOnScreen,
	withPanesSwapped,
	numberKey,
	numbersOf,
	withHidden,
	withPinned,
	type Arrangement,
} from '../model/arrangement.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {Action} from '../settings/actions.ts';
import {tasksPane, welcomePane, type PaneId} from '../model/pane-id.ts';
import {withThreadIn} from '../model/thread-layout.ts';
import {homeOf, type Ui, type ScreenContext} from '../model/ui.ts';

export type PaneAction = Extract<
	Action,
	| 'focus_next'
	| 'focus_previous'
	| 'focus_left'
	| 'focus_right'
	| 'focus_tasks'
	| 'move_left'
	| 'move_right'
	| 'hide'
	| 'pin'
	| 'zoom'
	| 'unzoom'
>;

/** Handles the keys that move between panes and arrange them. */
export function paneAction(context: ScreenContext, action: PaneAction): void {
	const now = context.ui.getState();
	if (now.threads.has(now.focus) && isArranging(action)) {
		return context.ui.setState({notice: `Close the thread first, with ${now.keymap.keyFor('back')}.`});
	}
	switch (action) {
		case 'focus_next':
		case 'focus_previous':
			return focusPane(context, neighbour(unhiddenPanes(now), now.focus, action === 'focus_next' ? 1 : -1));
		case 'focus_left':
		case 'focus_right':
			return focusPane(context, neighbour(shownPanes(now), now.focus, action === 'focus_right' ? 1 : -1));
		case 'focus_tasks':
			return focusPane(context, tasksPane);
		case 'move_left':
		case 'move_right':
			return move(context, action === 'move_right' ? 1 : -1);
		case 'hide':
			return hide(context);
		case 'pin':
			return arrange(context, withPinned(now.arrangement, now.focus, layoutOf(now).mainPanes));
		case 'zoom':
		case 'unzoom':
			if (layoutOf(now).kind === 'wide') return arrange(context, {...now.arrangement, zoomed: action === 'zoom'});
			return context.ui.setState({notice: 'There is only room for one pane.'});
	}
}

function isArranging(action: PaneAction): boolean {
	return action === 'move_left' || action === 'move_right' || action === 'hide' || action === 'pin';
}

/** Focuses a pane, bringing it to the screen if needed, even if it was hidden. */
export function focusPane({ui}: ScreenContext, pane: PaneId | undefined): void {
	const now = ui.getState();
	if (pane === undefined || (pane === now.focus && !now.arrangement.hidden.has(pane))) return;
	const {kind, panes, mainPanes, hasRoom} = layoutOf(now);
	const isShown = panes.some(({id}) => id === pane);
	if (isShown || kind !== 'wide') {
		const {arrangement} = now;
		return ui.setState({
			focus: pane,
			arrangement: arrangement.hidden.has(pane) ? withHidden(arrangement, pane, false) : arrangement,
		});
	}
	const visible = mainPanes.filter(id => now.arrangement.order.includes(id));
	ui.setState({
		focus: pane,
		arrangement: withPaneOnScreen(now.arrangement, pane, {visible, room: hasRoom, focus: homeOf(now, now.focus)}),
	});
}

/** Every pane that is not hidden, by number. */
function unhiddenPanes(now: Ui): readonly PaneId[] {
	const {order, hidden} = now.arrangement;
	return withThreadIn(
		order.filter(id => !hidden.has(id)),
		layoutOf(now),
		now,
	);
}

/** The panes on the screen; if only one is shown, all in the order of the tabs. */
function shownPanes(now: Ui): readonly PaneId[] {
	const {kind, panes} = layoutOf(now);
	return kind === 'wide' && !now.arrangement.zoomed ? panes.map(({id}) => id) : unhiddenPanes(now);
}

function neighbour(panes: readonly PaneId[], focus: PaneId, by: 1 | -1): PaneId | undefined {
	const at = panes.indexOf(focus);
	return at < 0 ? panes[0] : panes[(at + by + panes.length) % panes.length];
}

/** Swaps the focused pane with its neighbour; does nothing at the ends. */
function move(context: ScreenContext, by: 1 | -1): void {
	const now = context.ui.getState();
	const {kind, mainPanes} = layoutOf(now);
	const all = kind === 'wide' && mainPanes.includes(now.focus) ? mainPanes : unhiddenPanes(now);
	// An open thread has no position that could be kept.
	const list = all.filter(id => now.arrangement.order.includes(id));
	const at = list.indexOf(now.focus);
	const other = at < 0 ? undefined : list[at + by];
	if (other !== undefined) arrange(context, withPanesSwapped(now.arrangement, now.focus, other, mainPanes));
}

function hide(context: ScreenContext): void {
	const now = context.ui.getState();
	const list = shownPanes(now);
	const all = unhiddenPanes(now);
	if (all.length < 2 || !all.includes(now.focus)) {
		return context.ui.setState({notice: 'The only pane cannot be hidden.'});
	}
	const step = list.at(-1) === now.focus ? -1 : 1;
	const focus = neighbour(list.length > 1 ? list : all, now.focus, step) ?? now.focus;
	const number = numberKey(numbersOf(now.arrangement).get(now.focus));
	context.ui.setState({
		focus,
		arrangement: replaced(now, withHidden(now.arrangement, now.focus, true), focus),
		notice: number === '' ? 'Hidden.' : `Hidden; ${number} brings it back.`,
	});
}

/** The arrangement after the focused pane was hidden, with its successor in the same position. */
function replaced(now: Ui, arrangement: Arrangement, focus: PaneId): Arrangement {
	const {mainPanes} = layoutOf(now);
	const successor = layoutOf({...now, arrangement, focus}).mainPanes.find(
		id => !mainPanes.includes(id) && id !== welcomePane,
	);
	const kept = mainPanes.map(id => (id === now.focus ? successor : id)).filter(id => id !== undefined);
	return {...arrangement, onScreen: kept};
}

function arrange({ui}: ScreenContext, arrangement: Arrangement): void {
	ui.setState({arrangement});
}
