import {foldTag} from '../../mailbox/tag.ts';
import type {TaskStep} from '../../store/replay.ts';
import {columnOf, type Scale} from './axis.ts';

/** The lane of tasks without an owner; no tag can have this name. */
export const unowned = '#tasks';

/** A period of a task's life in one lane. Times are milliseconds since 1970. */
export interface Bar {
	readonly task: number;
	/** A folded tag, or `unowned`. */
	readonly lane: string;
	readonly from: number;
	/** When it ended or moved to another lane; Infinity if it is still open. */
	readonly to: number;
	readonly state: 'queued' | 'running' | 'unknown';
	/** How it ended; null if the task continues, here or in another lane. */
	readonly end: 'done' | 'failed' | 'dead' | 'cancelled' | 'queued' | null;
	/** 0 to 1. */
	readonly progress: number;
}

/** A task's life up to `until` as bars. Pure. */
export function barsOf(task: number, steps: readonly TaskStep[], until: number): Bar[] {
	const bars: Bar[] = [];
	let open = null as Omit<Bar, 'to' | 'end'> | null;
	const close = (to: number, end: Bar['end']): void => {
		if (open !== null) bars.push({...open, to, end});
		open = null;
	};
	for (const {at, state, tag, progress} of steps) {
		if (at > until) break;
		const before = open;
		if (state === 'queued' || state === 'running' || state === 'unknown') {
			const lane = state === 'running' && tag !== null ? foldTag(tag) : unowned;
			if (before !== null && before.lane === lane && before.state === state) {
				open = {...before, progress};
				continue;
			}
			// A task that its owner released is queued again.
			close(at, before !== null && before.state === 'running' && state === 'queued' ? 'queued' : null);
			open = {task, lane, from: at, state, progress};
		} else if (before === null) {
			// Only its end is known.
			if (bars.length === 0) {
				const lane = tag === null ? unowned : foldTag(tag);
				bars.push({task, lane, from: at, to: at, state: 'unknown', end: state, progress});
			}
		} else close(at, state);
	}
	close(Infinity, null);
	return bars;
}

/** A bar on the screen. Columns count from the beginning of the window and may be outside of it. */
export interface PlacedBar {
	readonly bar: Bar;
	readonly row: number;
	readonly first: number;
	/** Its last column. */
	readonly last: number;
	/** The column where the next bar in its row begins. */
	readonly free: number;
}

/** The minimum width of a bar, so that the task's number fits. */
const minWidth = 6;

/** Places the bars of one lane in `rows` rows without overlap, and counts those that do not fit. `edge`: the present's column. */
export function placeBars(
	bars: readonly Bar[],
	scale: Scale,
	rows: number,
	edge: number,
): {readonly bars: readonly PlacedBar[]; readonly over: number} {
	const rowEnds = Array.from<number>({length: rows}).fill(-Infinity);
	const result: Array<{bar: Bar; row: number; first: number; last: number; free: number}> = [];
	const inRow = new Map<number, (typeof result)[number]>();
	let over = 0;
	for (const bar of bars.toSorted((one, other) => one.from - other.from || one.task - other.task)) {
		const first = columnOf(scale, bar.from);
		const last = bar.to === Infinity ? edge : Math.min(edge, columnOf(scale, bar.to));
		if (last < 0 || first >= scale.columns || first > edge) continue;
		const row = rowEnds.findIndex(end => end < first);
		if (row === -1) {
			over++;
			continue;
		}
		const before = inRow.get(row);
		if (before !== undefined) before.free = first;
		rowEnds[row] = Math.max(last, first + minWidth - 1);
		const entry = {bar, row, first, last, free: scale.columns};
		inRow.set(row, entry);
		result.push(entry);
	}
	return {bars: result, over};
}
