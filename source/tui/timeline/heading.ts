import {p, printable} from '../../printable.ts';
import type {HistoryStore} from '../../store/history-store.ts';
import type {PaintedLine} from '../screen/grid.ts';
import {justify, strip, textWidth, type Span} from '../screen/strip.ts';
import {focusedTint, theme} from '../settings/theme.ts';
import {clockMoment, clockSeconds, clockTime, duration} from '../settings/words.ts';
import {ticks, type Scale} from './axis.ts';
import {Canvas} from './canvas.ts';
import {momentOf, type TimelineView} from '../model/timeline-view.ts';

/** The row above the lanes: the time shown, and whether it is live. `now`: milliseconds since 1970. */
export function headingLine(
	view: TimelineView,
	history: HistoryStore,
	scale: Scale,
	width: number,
	now: number,
): PaintedLine {
	const left: Span[] = [
		{text: p`▌`, style: theme.code},
		{text: p`TIMELINE`, style: theme.strong},
		{text: p`  ${clockTime(iso(scale.from), now)} – ${clockTime(iso(scale.to), now)}`, style: theme.text},
		{text: p`  ${duration(view.span)}`, style: theme.grey},
		...momentSpans(view, now),
	];
	const legend: Span[] = [
		{text: p`● to one  ◆ to all  2…9 ░▒▓█ many  ─ until answered   `, style: theme.faint},
		{text: p`─`, style: theme.good},
		{text: p` in a turn  `, style: theme.faint},
		{text: p`╌`, style: theme.warn},
		{text: p` blocked  ┈ idle`, style: theme.faint},
	];
	const state = loadingSpans(history, scale);
	const taken = [...left, ...state].reduce((sum, {text}) => sum + textWidth(text), 0);
	const room = width - taken - 4 >= legend.reduce((sum, {text}) => sum + textWidth(text), 0);
	const right = [...state, ...(room ? [{text: state.length > 0 ? p`   ` : p``, style: theme.text}, ...legend] : [])];
	return {strip: justify(left, [...right, {text: p` `, style: theme.text}], width), tint: focusedTint};
}

function momentSpans(view: TimelineView, now: number): Span[] {
	const moment = momentOf(view, now);
	if (moment === null) return [{text: view.end === null ? p`  ● now` : p``, style: theme.good}];
	const how = view.moment?.since === null ? p`as it was` : p`playing ${view.speed}×`;
	return [{text: p`  ◐ ${clockMoment(iso(moment), now)} ${how}`, style: theme.warnStrong}];
}

/** Why part of the window is not loaded. */
function loadingSpans(history: HistoryStore, scale: Scale): Span[] {
	if (history.trouble !== null) return [{text: printable(history.trouble), style: theme.warn}];
	if (history.from <= scale.from) return [];
	if (history.isReading) return [{text: p`reading`, style: theme.grey}];
	return history.isFull ? [{text: p`too much history to show all`, style: theme.warn}] : [];
}

/** The row with the times, above the lanes. */
export function axisLine(view: TimelineView, scale: Scale, labels: number, edge: number, now: number): PaintedLine {
	const canvas = new Canvas(labels + scale.columns, 1);
	const moment = momentOf(view, now);
	const words = moment === null ? p`now` : clockSeconds(iso(moment));
	const isThere = edge >= 0 && edge < scale.columns;
	const at = Math.min(labels + edge, labels + scale.columns - words.length);
	for (const {column, label} of ticks(scale)) {
		const x = labels + column;
		// The two labels would overlap.
		if (isThere && x <= at + words.length && x + label.length >= at) continue;
		canvas.put(x, 0, p`╷`, theme.faint);
		canvas.lay(x + 1, 0, strip([{text: label, style: theme.grey}]));
	}
	if (isThere) canvas.lay(at, 0, strip([{text: words, style: moment === null ? theme.grey : theme.warnStrong}]));
	return {strip: canvas.row(0)};
}

function iso(at: number): string {
	return new Date(at).toISOString();
}
