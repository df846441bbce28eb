import type {HistoryStore} from '../../store/history-store.ts';
import type {State} from '../../store/state/state.ts';
import {channelName} from '../panes/header.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {strip, textWidth} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {p, type Printable} from '../../printable.ts';
import type {Scale} from './axis.ts';
import {detailLines} from './detail.ts';
import {drawLanes} from './draw.ts';
import {axisLine, headingLine} from './heading.ts';
import {laneRows, type LaneRows} from './lanes.ts';
import {pictureOf, type Picture} from './picture.ts';
import type {Ui} from '../model/ui.ts';
import type {Keymap} from '../settings/keymap.ts';
import {momentOf, timeWindowOf, type TimelineView} from '../model/timeline-view.ts';

/** The minimum and maximum width of the names, including signs and gaps. */
const [minLabels, maxLabels] = [10, 20];
/** Rows for the heading, the axis, and the rule below the lanes. */
const otherRows = 3;

export interface TimelineLayout {
	readonly scale: Scale;
	readonly labels: number;
	readonly picture: Picture;
	readonly rows: LaneRows;
	/** Rows for the details below the lanes. */
	readonly below: number;
}

/** Lays out the timeline in a rectangle. `now`: milliseconds since 1970. */
export function timelineLayout(
	state: State,
	history: HistoryStore,
	view: TimelineView,
	{width, height}: Rect,
	now: number,
): TimelineLayout {
	const names = view.lanes.map(tag => textWidth(channelName(state, tag)) + 4);
	const labels = Math.max(minLabels, Math.min(maxLabels, Math.floor(width / 4), Math.max(0, ...names)));
	const columns = Math.max(1, width - labels);
	const scale: Scale = {...timeWindowOf(view, now), columns};
	const picture = pictureOf(history, view.lanes, scale, momentOf(view, now), now);
	const room = height - otherRows - Math.max(3, Math.min(8, Math.floor(height / 5)));
	const rows = laneRows(Math.max(2, room), picture.lanes.length, view.top);
	return {scale, labels, picture, rows, below: Math.max(0, height - otherRows - rows.shown * rows.height)};
}

/** All lines of the timeline. */
export function timelineLines(
	state: State,
	history: HistoryStore,
	ui: Ui,
	view: TimelineView,
	rect: Rect,
	now: number,
): PaintedLine[] {
	const {scale, labels, picture, rows, below} = timelineLayout(state, history, view, rect, now);
	const moment = momentOf(view, now);
	const {selected} = view;
	const lanesHeight = rows.shown * rows.height;
	const nameOf = (tag: string): string => channelName(state, tag);
	const canvas = drawLanes(
		{
			picture,
			rows,
			labels,
			selected,
			moment,
			readFrom: history.from,
			now,
			nameOf,
			taskOf: id => history.task(id),
		},
		rect.width,
		lanesHeight,
	);
	const lanes = Array.from({length: lanesHeight}, (_, y): PaintedLine => ({strip: canvas.row(y)}));
	return [
		headingLine(view, history, scale, rect.width, now),
		axisLine(view, scale, labels, picture.edge, now),
		...lanes,
		{strip: strip([{text: ruleWords(ui.keymap, rows, picture.lanes.length, rect.width), style: theme.faint}])},
		...detailLines({state, ui, history, picture, selected, moment, now, nameOf}, rect.width, below),
	];
}

/** The rule below the lanes, which says which lanes are shown if not all are. */
function ruleWords({keyFor}: Keymap, {shown, top}: LaneRows, count: number, width: number): Printable {
	if (shown >= count) return p`─`.repeat(width);
	const words = p` lanes ${top + 1}–${top + shown} of ${count} · ${keyFor('timeline_lane_below')} ${keyFor('timeline_lane_above')} `;
	return p`──${words}${p`─`.repeat(Math.max(0, width - words.length - 2))}`;
}
