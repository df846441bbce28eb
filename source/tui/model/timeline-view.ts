const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** The zoom levels: how much time the screen shows, in milliseconds. */
const spans: readonly number[] = [
	...[1, 2, 5, 10, 20, 30].map(count => count * minute),
	...[1, 2, 3, 6, 12].map(count => count * hour),
	...[1, 2, 4, 7, 14, 30].map(count => count * day),
];

export const speeds = [1, 10, 60] as const;

/** What the keys act on. */
export interface TimelineItem {
	readonly kind: 'message' | 'task';
	readonly id: number;
	/** Milliseconds since 1970. */
	readonly at: number;
}

/** The state of the timeline. All times are milliseconds since 1970. */
export interface TimelineView {
	/** Folded tags, from the top; new ones are added at the end. */
	readonly lanes: readonly string[];
	/** The first lane that is shown. */
	readonly top: number;
	readonly span: number;
	/** The right edge; null: it follows the present. */
	readonly end: number | null;
	/** The moment shown instead of now. `since`: when it began to play from there; null: paused. */
	readonly moment: {readonly at: number; readonly since: number | null} | null;
	readonly speed: (typeof speeds)[number];
	readonly selected: TimelineItem | null;
}

/** The time that the screen shows. */
export interface TimeWindow {
	readonly from: number;
	readonly to: number;
}

/** The window is divided into this many steps, by which its edge moves, so that the picture is still in between. */
const steps = 8;

/** The moment that is shown; null: now. Playing stops at the present. */
export function momentOf({moment, speed}: TimelineView, now: number): number | null {
	if (moment === null) return null;
	const at = moment.at + (moment.since === null ? 0 : (now - moment.since) * speed);
	return at >= now ? null : at;
}

/** The window, which always contains the moment. */
export function timeWindowOf(view: TimelineView, now: number): TimeWindow {
	const {span} = view;
	const step = span / steps;
	const to = view.end ?? liveEnd(span, now);
	const moment = momentOf(view, now);
	if (moment === null || (moment >= to - span && moment < to)) return {from: to - span, to};
	const from = Math.floor(moment / step) * step - (moment >= to ? (steps - 2) * step : step);
	return {from, to: from + span};
}

function liveEnd(span: number, now: number): number {
	const step = span / steps;
	return (Math.floor(now / step) + 1) * step;
}

/** The view with its right edge there, or following the present if that is not in the past. */
export function endingAt(view: TimelineView, end: number, now: number): TimelineView {
	return {...view, end: end >= liveEnd(view.span, now) ? null : end};
}

/** Zooms out (1) or in (-1) around the moment or the selection. */
export function withZoom(view: TimelineView, by: 1 | -1, now: number): TimelineView {
	const at = spans.indexOf(view.span);
	const span = spans[Math.max(0, Math.min(spans.length - 1, at + by))] ?? view.span;
	const {from, to} = timeWindowOf(view, now);
	const chosen = view.selected !== null && view.selected.at >= from && view.selected.at < to ? view.selected.at : null;
	const centre = momentOf(view, now) ?? chosen;
	if (centre === null) return view.end === null ? {...view, span} : endingAt({...view, span}, view.end, now);
	return endingAt({...view, span}, centre + ((to - centre) * span) / view.span, now);
}

/** The shortest span that shows this much time, between ten minutes and a day. */
export function spanFor(milliseconds: number): number {
	return spans.find(span => span >= Math.max(10 * minute, Math.min(day, (milliseconds * steps) / (steps - 1)))) ?? day;
}
