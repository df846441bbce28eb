import {foldTag} from '../../mailbox/tag.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {TimelineAction} from '../settings/actions.ts';
import {tasksPane, type PaneId} from '../model/pane-id.ts';
import {withView} from '../panes/navigate.ts';
import {openThread} from '../panes/jump-list.ts';
import {withoutThreadAt, type ScreenContext} from '../model/ui.ts';
import {barsOf, unowned} from './bars.ts';
import {eventTime, itemAt, nearestItem, nextItem} from './items.ts';
import {laneOrder} from './lanes.ts';
import {timelineLayout, type TimelineLayout} from './lines.ts';
import {
	endingAt,
	momentOf,
	spanFor,
	speeds,
	timeWindowOf,
	withZoom,
	type TimelineItem,
	type TimelineView,
} from '../model/timeline-view.ts';

interface TimelineContext extends ScreenContext {
	/** Focuses a pane, bringing it to the screen if needed. */
	readonly focus: (pane: PaneId) => void;
}

/** How many of the newest messages the first window shows. */
const shownFirst = 60;

/** Opens the timeline over the panes, with the latest messages in its window. */
export function openTimeline({store, ui}: ScreenContext): void {
	const history = store.history;
	history.open();
	const now = Date.now();
	const {list} = history.marks;
	const oldest = list[Math.max(0, list.length - shownFirst)]?.at ?? now;
	const view: TimelineView = {
		lanes: laneOrder(store.getState(), list, []),
		top: 0,
		span: spanFor(now - oldest),
		end: null,
		moment: null,
		speed: 10,
		selected: null,
	};
	ui.setState({timeline: view});
	reachBack({store, ui});
}

/** Handles a key of the timeline. */
export function timelineKey(context: TimelineContext, action: TimelineAction): void {
	const {store, ui} = context;
	const now = Date.now();
	const before = ui.getState();
	const view = before.timeline;
	if (view === null) return;
	if (action === 'timeline_open') return open(context, view);
	if (action === 'timeline_close' && view.moment === null) {
		ui.setState({timeline: null});
		return store.history.close();
	}
	const next = moved(context, view, action, now);
	if (next !== view) ui.setState({timeline: next});
	if (next.selected !== null && next.selected !== view.selected) loadText(store, next.selected);
	reachBack(context);
}

/** Loads the history of the window, and as much before it. */
function reachBack({store, ui}: ScreenContext): void {
	const {timeline} = ui.getState();
	if (timeline === null) return;
	store.history.reach(timeWindowOf(timeline, Date.now()).from - timeline.span);
}

function loadText(store: MailboxStore, {kind, id}: TimelineItem): void {
	// On failure it remains `reading`; the top line says why.
	if (kind === 'message' && store.history.message(id) === undefined) store.loadMessage(id).catch(() => undefined);
}

function moved({store, ui}: TimelineContext, view: TimelineView, action: TimelineAction, now: number): TimelineView {
	const history = store.history;
	const window = timeWindowOf(view, now);
	const {columns, rows} = ui.getState();
	const layout = timelineLayout(store.getState(), history, view, {x: 0, y: 1, width: columns, height: rows - 2}, now);
	switch (action) {
		case 'timeline_zoom_in':
			return withZoom(view, -1, now);
		case 'timeline_zoom_out':
			return withZoom(view, 1, now);
		case 'timeline_half_earlier':
			return endingAt(view, window.to - view.span / 2, now);
		case 'timeline_half_later':
			return endingAt(view, window.to + view.span / 2, now);
		case 'timeline_earlier':
			return select(view, layout, step(view, layout, -1, now), now);
		case 'timeline_later':
			return select(view, layout, step(view, layout, 1, now), now);
		case 'timeline_lane_below':
			return toLane(view, layout, 1, now);
		case 'timeline_lane_above':
			return toLane(view, layout, -1, now);
		case 'timeline_step_back':
			return at(view, layout, eventTime(history.marks, history.replay, momentOf(view, now) ?? now, -1), now);
		case 'timeline_step_on':
			return at(view, layout, eventTime(history.marks, history.replay, momentOf(view, now) ?? now, 1) ?? now, now);
		case 'timeline_jump_back':
			return at(view, layout, (momentOf(view, now) ?? Math.min(now, window.to)) - view.span / 10, now);
		case 'timeline_jump_on':
			return at(view, layout, (momentOf(view, now) ?? now) + view.span / 10, now);
		case 'timeline_play':
			return played(view, now);
		case 'timeline_speed': {
			const speed = speeds[(speeds.indexOf(view.speed) + 1) % speeds.length] ?? 1;
			const moment = momentOf(view, now);
			const since = view.moment?.since === null ? null : now;
			return {...view, speed, moment: moment === null ? null : {at: moment, since}};
		}
		case 'timeline_first': {
			const first = history.marks.list[0]?.at;
			return first === undefined ? view : endingAt({...view, moment: null}, first + view.span * 0.9, now);
		}
		case 'timeline_present':
			return {...view, end: null, moment: null, selected: null};
		case 'timeline_close':
			return {...view, moment: null, end: null};
		case 'timeline_open':
			return view;
	}
}

/** Moves the moment and selects what happened then. In the present, the timeline becomes live. */
function at(view: TimelineView, layout: TimelineLayout, moment: number | null, now: number): TimelineView {
	if (moment === null) return view;
	if (moment >= now) return {...view, moment: null, end: null};
	const {marks, replay} = layout.picture;
	const item = itemAt(marks, replay, moment);
	const selected = item ?? (view.selected !== null && view.selected.at <= moment ? view.selected : null);
	const since = view.moment === null || view.moment.since === null ? null : now;
	// `windowOf` follows the moment; keep the window that it finds.
	const next: TimelineView = {...view, selected, moment: {at: moment, since}};
	return {...next, end: timeWindowOf(next, now).to, top: topFor(next, layout)};
}

function played(view: TimelineView, now: number): TimelineView {
	const moment = momentOf(view, now);
	if (moment === null) {
		const {from, to} = timeWindowOf(view, now);
		return {...view, end: to, moment: {at: from, since: now}};
	}
	const pausing = view.moment !== null && view.moment.since !== null;
	return {...view, end: timeWindowOf(view, now).to, moment: {at: moment, since: pausing ? null : now}};
}

/** The latest visible time: limited by the window and by the moment. */
function latestIn(view: TimelineView, now: number): number {
	return Math.min(timeWindowOf(view, now).to - 1, momentOf(view, now) ?? Infinity);
}

function step(view: TimelineView, {picture}: TimelineLayout, by: 1 | -1, now: number): TimelineItem | null {
	const {marks, replay} = picture;
	const until = momentOf(view, now) ?? Infinity;
	const from = view.selected ?? {kind: 'task', id: Infinity, at: latestIn(view, now)};
	const item = nextItem(marks, replay, from, view.selected === null ? -1 : by);
	return item === null || item.at > until ? null : item;
}

/** Selects an item in the next lane that has one; if there is none, scrolls the lanes. */
function toLane(view: TimelineView, layout: TimelineLayout, by: 1 | -1, now: number): TimelineView {
	const item = inLane(view, layout, by, now);
	if (item !== null) return select(view, layout, item, now);
	const {rows, picture} = layout;
	return {...view, top: Math.max(0, Math.min(picture.lanes.length - rows.shown, rows.top + by))};
}

function inLane(view: TimelineView, {picture}: TimelineLayout, by: 1 | -1, now: number): TimelineItem | null {
	const {lanes, marks, replay} = picture;
	const current = laneOf(view.selected, picture);
	const from = view.selected?.at ?? latestIn(view, now);
	let lane = current === null ? (by === 1 ? -1 : lanes.length) : lanes.indexOf(current);
	for (lane += by; lane >= 0 && lane < lanes.length; lane += by) {
		const tag = lanes[lane];
		const found = nearestItem(
			marks,
			replay,
			item => (item.kind === 'message' ? item.mark.tag === tag : laneOf(item.item, picture) === tag),
			from,
			momentOf(view, now) ?? Infinity,
		);
		if (found !== null) return found;
	}
	return null;
}

/** The lane of an item; null if it has none. */
function laneOf(selected: TimelineItem | null, {marks, replay}: TimelineLayout['picture']): string | null {
	if (selected === null) return null;
	if (selected.kind === 'message') return marks.get(selected.id)?.tag ?? null;
	const bars = barsOf(selected.id, replay.tasks.get(selected.id) ?? [], Infinity);
	return bars.find(({from}) => from === selected.at)?.lane ?? unowned;
}

/** The view with an item selected and visible. */
function select(view: TimelineView, layout: TimelineLayout, selected: TimelineItem | null, now: number): TimelineView {
	if (selected === null) return view;
	const next = {...view, selected, top: topFor({...view, selected}, layout)};
	const {from, to} = timeWindowOf(view, now);
	if (selected.at >= from && selected.at < to) return next;
	const edge = selected.at < from ? selected.at + view.span * 0.8 : selected.at + view.span * 0.2;
	return endingAt(next, edge, now);
}

/** The first lane to show so that the selected item is visible. */
function topFor({selected, top}: TimelineView, {picture, rows}: TimelineLayout): number {
	const lane = picture.lanes.indexOf(laneOf(selected, picture) ?? '');
	if (lane === -1) return top;
	const from = rows.top;
	return lane < from ? lane : lane >= from + rows.shown ? lane - rows.shown + 1 : from;
}

/** Closes the timeline and opens what is selected: a task, or a message in its channel or, if it is older, in its thread. */
function open(context: TimelineContext, {selected}: TimelineView): void {
	const {store, ui} = context;
	if (selected === null) {
		const {keyFor} = ui.getState().keymap;
		return ui.setState({
			notice: `Select something first, with ${keyFor('timeline_earlier')} and ${keyFor('timeline_later')}.`,
		});
	}
	if (selected.kind === 'task') openTask(context, selected.id);
	else if (!openMessage(context, selected.id)) return ui.setState({notice: 'This message has not been loaded yet.'});
	ui.setState({timeline: null});
	store.history.close();
}

/** Selects a task in the tasks pane; for a step, its plan. */
function openTask({store, ui, focus}: TimelineContext, id: number): void {
	focus(tasksPane);
	const selected = String(store.history.task(id)?.parent_id ?? id);
	ui.setState(withView(ui.getState(), tasksPane, {anchor: null, selected}));
}

function openMessage({store, ui, focus}: TimelineContext, id: number): boolean {
	const message = store.history.message(id);
	if (message === undefined) return false;
	const {order} = ui.getState().arrangement;
	const pane = [message.tag, ...message.mentions].map(foldTag).find(tag => order.includes(tag));
	if (pane === undefined) return false;
	focus(pane);
	const isHere = store.getState().messages.includes(message);
	if (isHere) {
		const there = withoutThreadAt(ui.getState(), pane);
		ui.setState(withView(there, pane, {anchor: {key: String(id), hidden: 0}, selected: String(id)}));
	} else openThread({store, ui}, message);
	return true;
}
