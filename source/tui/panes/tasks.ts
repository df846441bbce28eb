import type {Task} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import {statusOf, stepsOf, tasksByStatus} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {tasksPane} from '../pane-id.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {clip, joined, justify, strip, type Span, type Strip} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {selectedTint, tagStyle, theme} from '../theme.ts';
import {viewOf, type Ui} from '../ui.ts';
import {counted, duration} from '../words.ts';
import {centred} from './channel.ts';

/** One line of the list, and the task that it belongs to. */
interface TaskLine {
	readonly id: number | null;
	readonly strip: Strip;
}

const signs: Record<Task['status'], Span> = {
	running: {text: '▶', style: theme.good},
	queued: {text: '○', style: theme.grey},
	done: {text: '✓', style: theme.good},
	failed: {text: '✗', style: theme.bad},
	dead: {text: '✗', style: theme.badStrong},
	cancelled: {text: '–', style: theme.grey},
};
/** Finished tasks are shown up to this many; the rest is counted in the header. */
const finishedShown = 12;

/** The tasks of the pane in the order they are shown, without steps. */
export function taskOrder(state: State): Task[] {
	return [
		...tasksByStatus(state, 'running'),
		...tasksByStatus(state, 'queued'),
		...tasksByStatus(state, 'failed', 'dead').slice(0, finishedShown),
		...tasksByStatus(state, 'done', 'cancelled').slice(0, finishedShown),
	];
}

/** The visible lines of the task pane: tasks as sentences, from the top. */
export function tasksLines(state: State, ui: Ui, rect: Rect, now: number): PaintedLine[] {
	const tasks = listLines(state, Math.max(4, rect.width - 2), now);
	if (tasks.length === 0) return centred([strip([{text: 'no tasks', style: theme.faint}])], rect);
	const {selected} = viewOf(ui, tasksPane);
	const chosen = tasks.findIndex(({id}) => id !== null && String(id) === selected);
	const {height} = rect;
	const top = chosen < 0 ? 0 : Math.max(0, Math.min(chosen - Math.floor(height / 2), tasks.length - height));
	return tasks.slice(top, top + height).map(({id, strip: line}): PaintedLine => {
		const isChosen = id !== null && String(id) === selected;
		const edge = strip([{text: isChosen ? '▌' : ' ', style: theme.task}]);
		return isChosen ? {strip: joined(edge, line), tint: selectedTint} : {strip: joined(edge, line)};
	});
}

function listLines(state: State, width: number, now: number): TaskLine[] {
	const lines: TaskLine[] = [];
	let group = '';
	for (const task of taskOrder(state)) {
		const kind = statusOf(state, task) === 'queued' ? 'queued' : String(task.id);
		if (kind !== group) lines.push({id: null, strip: strip([])});
		group = kind;
		lines.push(...taskBlock(state, task, width, now).map(line => ({id: task.id, strip: line})));
	}
	return lines;
}

function taskBlock(state: State, task: Task, width: number, now: number): Strip[] {
	const lines = [sentence(task, state, width, now)];
	const steps = stepsOf(state, task.id);
	const status = statusOf(state, task);
	if (status === 'running') {
		lines.push(progressLine(task, steps, width, now));
		if (task.note !== null && task.note !== '') {
			lines.push(clip(strip([{text: `  ${printable(task.note)}`, style: theme.grey}]), width));
		}
	}
	if (status === 'running' || status === 'queued') {
		for (const step of steps) {
			const look = step.status === 'queued' ? theme.grey : theme.text;
			const left: Span[] = [
				{text: '  ', style: theme.text},
				signs[step.status],
				{text: ` ${printable(step.title)}`, style: look},
			];
			lines.push(justify(left, step.status === 'running' ? ownerOf(step) : [], width));
		}
	}
	if ((task.status === 'failed' || task.status === 'dead') && task.last_error !== null) {
		lines.push(clip(strip([{text: `  ${printable(task.last_error)}`, style: theme.grey}]), width));
	}
	if (task.status === 'done' && task.result_table !== null) {
		const table = {text: ` ${printable(task.result_table)} `, style: theme.code};
		lines.push(clip(strip([{text: '  result: ', style: theme.grey}, table]), width));
	}
	return lines;
}

function sentence(task: Task, state: State, width: number, now: number): Strip {
	const retry = task.status === 'queued' && task.attempts > 0;
	const status = statusOf(state, task);
	const sign = retry ? {text: '↻', style: theme.warn} : signs[status];
	const left: Span[] = [
		sign,
		{text: ` #${task.id} `, style: theme.task},
		{
			text: printable(task.title),
			style: task.status === 'done' || task.status === 'cancelled' ? theme.grey : theme.text,
		},
	];
	return justify(left, standing(task, state, now), width);
}

/** What stands at the right: who does it, or what it waits for. */
function standing(task: Task, state: State, now: number): Span[] {
	switch (statusOf(state, task)) {
		case 'running':
			return ownerOf(task);
		case 'queued':
			return [waitingFor(task, state, now)];
		case 'failed':
			return [{text: 'failed', style: theme.bad}];
		case 'dead':
			return [{text: `dead after ${task.attempts}`, style: theme.bad}];
		case 'cancelled':
			return [{text: 'cancelled', style: theme.grey}];
		case 'done':
			return [{text: `${duration(now - Date.parse(task.updated_at))} ago`, style: theme.grey}];
	}
}

/** Nobody owns a plan: its steps have their owners. */
function ownerOf({lease_owner: owner}: Task): Span[] {
	return owner === null ? [] : [{text: printable(owner), style: tagStyle(owner)}];
}

function waitingFor(task: Task, state: State, now: number): Span {
	const wait = Date.parse(task.run_at) - now;
	const open = task.depends_on.find(id => state.tasks.get(id)?.status !== 'done');
	if (open !== undefined) return {text: `after #${open}`, style: theme.grey};
	if (task.attempts > 0) {
		return {text: `retry ${task.attempts}${wait > 0 ? ` in ${duration(wait)}` : ''}`, style: theme.warn};
	}
	return {text: wait > 0 ? `in ${duration(wait)}` : 'queued', style: theme.grey};
}

/** Columns that a count and a lease take at the most: `  100 %  lease 15 min`. */
const besideBar = 21;

/** A thin bar, how far it is, and how long the lease holds. */
function progressLine(task: Task, steps: readonly Task[], width: number, now: number): Strip {
	const done = steps.filter(({status}) => status === 'done').length;
	const part = Math.max(0, Math.min(1, steps.length > 0 ? done / steps.length : task.progress));
	const count = steps.length > 0 ? `${done}/${steps.length}` : `${Math.round(part * 100)} %`;
	const left = task.lease_until === null ? null : Date.parse(task.lease_until) - now;
	const lease: Span =
		left === null
			? {text: '', style: theme.grey}
			: left > 0
				? {text: `  lease ${duration(left)}`, style: left < 10_000 ? theme.warn : theme.grey}
				: {text: '  lease over', style: theme.warn};
	const bar = Math.max(4, width - 2 - besideBar);
	const full = Math.round(bar * part);
	const thin = (columns: number, look: Style): Span => ({text: '━'.repeat(columns), style: look});
	return clip(
		strip([
			{text: '  ', style: theme.text},
			thin(full, theme.good),
			{text: '─'.repeat(bar - full), style: theme.rule},
			{text: `  ${count}`, style: theme.grey},
			lease,
		]),
		width,
	);
}

/** `3 running  2 queued  14 done`, without what there is none of; steps are counted with their plan. */
export function taskCounts(state: State): string {
	return (['running', 'queued', 'failed', 'dead', 'done'] as const)
		.map(status => ({status, count: tasksByStatus(state, status).length}))
		.flatMap(({status, count}) => (count > 0 ? [counted(count, status, status)] : []))
		.join('  ');
}
