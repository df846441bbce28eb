import type {Marks, Mark} from '../../store/mark.ts';
import {firstFrom} from '../../store/mark.ts';
import {stepAt, type Replay} from '../../store/replay.ts';
import {barsOf} from './bars.ts';
import type {TimelineItem} from '../model/timeline-view.ts';

/** The message before (-1) or after (1) a time. `id` orders messages of the same time; Infinity: after all of them. */
function nextMark({list}: Marks, {at, id}: {readonly at: number; readonly id: number}, by: 1 | -1): Mark | undefined {
	let index = firstFrom(list, at);
	if (by === -1) {
		while (index < list.length && list[index]?.at === at && (list[index]?.id ?? 0) < id) index++;
		return list[index - 1];
	}
	while (list[index]?.at === at && (list[index]?.id ?? 0) <= id) index++;
	return list[index];
}

/** The selectable points of tasks, the beginnings of their bars, by time. */
function taskItems({tasks}: Replay): TimelineItem[] {
	const items: TimelineItem[] = [];
	for (const [id, steps] of tasks) {
		for (const {from} of barsOf(id, steps, Infinity)) items.push({kind: 'task', id, at: from});
	}
	return items.sort((one, other) => one.at - other.at || one.id - other.id);
}

const known = new WeakMap<Replay, readonly TimelineItem[]>();

function tasksOf(replay: Replay): readonly TimelineItem[] {
	let items = known.get(replay);
	if (items === undefined) known.set(replay, (items = taskItems(replay)));
	return items;
}

/**
 * The next item to select: the message or task before (-1) or after (1) the selected one, or that time; null if there is none.
 * At the same time, messages come first.
 */
export function nextItem(marks: Marks, replay: Replay, from: TimelineItem, by: 1 | -1): TimelineItem | null {
	const isTask = from.kind === 'task';
	const mark = nextMark(marks, {at: from.at, id: isTask ? Infinity : from.id}, by);
	const items = tasksOf(replay);
	let index = firstFrom(items, from.at);
	if (isTask) while (items[index]?.at === from.at && (items[index]?.id ?? 0) < from.id + (by === 1 ? 1 : 0)) index++;
	const task = by === 1 ? items[index] : items[index - 1];
	const message: TimelineItem | undefined =
		mark === undefined ? undefined : {kind: 'message', id: mark.id, at: mark.at};
	if (message === undefined || task === undefined) return message ?? task ?? null;
	if (by === 1) return message.at <= task.at ? message : task;
	return task.at >= message.at ? task : message;
}

/** The time of the event before (-1) or after (1) a moment: a message, or a change of a task or an agent; null if none. */
export function eventTime(marks: Marks, {tasks, agents}: Replay, moment: number, by: 1 | -1): number | null {
	let best: number | null = nextMark(marks, {at: moment, id: by === 1 ? Infinity : 0}, by)?.at ?? null;
	for (const steps of [...tasks.values(), ...agents.values()] as Array<readonly {readonly at: number}[]>) {
		const at = by === 1 ? steps[firstFrom(steps, moment + 1)]?.at : stepAt(steps, moment - 1)?.at;
		if (at !== undefined && (best === null || (by === 1 ? at < best : at > best))) best = at;
	}
	return best;
}

/** The item at exactly that time. */
export function itemAt(marks: Marks, replay: Replay, at: number): TimelineItem | null {
	const mark = marks.list[firstFrom(marks.list, at)];
	if (mark !== undefined && mark.at === at) return {kind: 'message', id: mark.id, at};
	const items = tasksOf(replay);
	const task = items[firstFrom(items, at)];
	return task !== undefined && task.at === at ? task : null;
}

/** The item of a lane that is nearest to a time and not after `until`; null if there is none. */
export function nearestItem(
	marks: Marks,
	replay: Replay,
	isIn: (
		item: {readonly kind: 'message'; readonly mark: Mark} | {readonly kind: 'task'; readonly item: TimelineItem},
	) => boolean,
	at: number,
	until: number,
): TimelineItem | null {
	let best = null as TimelineItem | null;
	const consider = (item: TimelineItem): void => {
		if (item.at <= until && (best === null || Math.abs(item.at - at) < Math.abs(best.at - at))) best = item;
	};
	const {list} = marks;
	const middle = firstFrom(list, at);
	for (const by of [1, -1]) {
		for (let index = by === 1 ? middle : middle - 1; index >= 0 && index < list.length; index += by) {
			const mark = list[index];
			if (mark === undefined || mark.at > until || !isIn({kind: 'message', mark})) continue;
			consider({kind: 'message', id: mark.id, at: mark.at});
			break;
		}
	}
	for (const item of tasksOf(replay)) if (isIn({kind: 'task', item})) consider(item);
	return best;
}
