import {p, type Printable} from '../../printable.ts';
import type {TimeWindow} from '../model/timeline-view.ts';

/** A time window mapped to columns. */
export interface Scale extends TimeWindow {
	readonly columns: number;
}

/** The column of a time (milliseconds since 1970); outside of 0 to `columns` - 1 if it is not in the window. */
export function columnOf({from, to, columns}: Scale, at: number): number {
	return Math.floor(((at - from) / (to - from)) * columns);
}

/** The time in the middle of a column. */
export function timeOf({from, to, columns}: Scale, column: number): number {
	return from + ((column + 0.5) * (to - from)) / columns;
}

export interface Tick {
	readonly column: number;
	readonly label: Printable;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const distances = [
	...[1, 5, 10, 30].map(count => count * second),
	...[1, 2, 5, 10, 15, 30].map(count => count * minute),
	...[1, 2, 3, 6, 12].map(count => count * hour),
	...[1, 2, 7, 14].map(count => count * day),
];

/** Ticks at round times, far enough apart for their labels: the time of day, with seconds if needed, or the date at midnight. */
export function ticks(scale: Scale): Tick[] {
	const {from, to, columns} = scale;
	const room = (distance: number) => (distance / (to - from)) * columns >= (distance < minute ? 12 : 9);
	const distance = distances.find(room) ?? distances.at(-1) ?? day;
	// Round to local time.
	const offset = new Date(from).getTimezoneOffset() * minute;
	const found: Tick[] = [];
	for (let at = Math.ceil((from - offset) / distance) * distance + offset; at < to; at += distance) {
		const label = labelOf(new Date(at), distance);
		const column = columnOf(scale, at);
		if (column + label.length <= columns) found.push({column, label});
	}
	return found;
}

function labelOf(at: Date, distance: number): Printable {
	const midnight = at.getHours() + at.getMinutes() + at.getSeconds() === 0;
	if (midnight || distance >= day) return p`${two(at.getMonth() + 1)}-${two(at.getDate())}`;
	const time = p`${two(at.getHours())}:${two(at.getMinutes())}`;
	return distance < minute ? p`${time}:${two(at.getSeconds())}` : time;
}

function two(value: number): Printable {
	return value < 10 ? p`0${value}` : p`${value}`;
}
