import type {Tag} from '../../mailbox/tag.ts';
import {blockedForEver, waitOf, type Task} from '../../mailbox/task.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {stalledBy, statusOf, stepsOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import type {Span} from '../screen/strip.ts';
import {tagStyle, theme} from '../settings/theme.ts';
import {duration} from '../settings/words.ts';

const signs: Record<Task['status'], Span> = {
	running: {text: p`▶`, style: theme.good},
	queued: {text: p`○`, style: theme.grey},
	done: {text: p`✓`, style: theme.good},
	failed: {text: p`✗`, style: theme.bad},
	dead: {text: p`✗`, style: theme.badStrong},
	cancelled: {text: p`–`, style: theme.grey},
};

/** A task's status as a sign. */
export function taskSign(state: State, task: Task): Span {
	if (task.status === 'queued' && task.attempts > 0) return {text: p`↻`, style: theme.warn};
	return signs[statusOf(state, task)];
}

/** What is at the right of a task: its owner, or what it waits for. `roomy`: there is room for the long form. */
export function statusSpans(state: State, task: Task, now: number, roomy: boolean): Span[] {
	const status = statusOf(state, task);
	if (task.parent_id === null && (status === 'running' || status === 'queued') && stalledBy(state, task, now) !== null)
		return [...priorityOf(task), {text: p`stalled`, style: theme.warn}];
	switch (status) {
		case 'running':
			return [...attemptOf(task, roomy), ...ownersOf(state, task)];
		case 'queued':
			return [...priorityOf(task), ...waitingFor(state, task, now, roomy)];
		case 'failed':
			return [{text: p`failed`, style: theme.bad}];
		case 'dead':
			return [{text: p`dead after ${task.attempts}`, style: theme.bad}];
		case 'cancelled':
			return [{text: p`cancelled`, style: theme.grey}];
		case 'done':
			return [{text: p`${duration(now - Date.parse(task.updated_at))} ago`, style: theme.grey}];
	}
}

function attemptOf({attempts, max_attempts}: Task, roomy: boolean): Span[] {
	if (attempts < 2) return [];
	return [{text: p`${roomy ? 'attempt' : 'try'} ${attempts} of ${max_attempts}  `, style: theme.warn}];
}

/** The owner of a task; for a plan, which has none, the owners of its steps. */
function ownersOf(state: State, task: Task): Span[] {
	const [first, ...others] = new Set(ownersIn(state, task));
	if (first === undefined) return [];
	const more: Span[] = others.length === 0 ? [] : [{text: p` +${others.length}`, style: theme.grey}];
	return [{text: printable(first), style: tagStyle(first)}, ...more];
}

/** The owner of a task, or else of the steps below it. */
export function ownersIn(state: State, task: Task): Tag[] {
	if (task.lease_owner !== null) return [task.lease_owner];
	return stepsOf(state, task.id).flatMap(step => ownersIn(state, step));
}

function priorityOf({priority}: Task): Span[] {
	if (priority === 0) return [];
	return [{text: p`${priority > 0 ? '↑' : '↓'}${Math.abs(priority)}  `, style: priority > 0 ? theme.task : theme.grey}];
}

function waitingFor(state: State, task: Task, now: number, roomy: boolean): Span[] {
	if (blockedForEver(task) !== null) return [{text: p`blocked for ever`, style: theme.bad}];
	const wait = waitOf(task, now);
	const open = task.depends_on.find(id => state.tasks.get(id)?.status !== 'done');
	if (open !== undefined) return [{text: p`after #${open}`, style: theme.grey}];
	if (task.attempts > 0) {
		const next = p`${task.attempts + 1} of ${task.max_attempts}`;
		const words = roomy ? p`attempt ${next}${wait > 0 ? ', next' : ''}` : p`try ${next}`;
		return [{text: p`${words}${wait > 0 ? p` in ${duration(wait)}` : ''}`, style: theme.warn}];
	}
	if (wait > 0) return [{text: p`in ${duration(wait)}`, style: theme.grey}];
	if (task.assignee === null) return [{text: p`queued`, style: theme.grey}];
	return [
		{text: p`for `, style: theme.grey},
		{text: printable(task.assignee), style: tagStyle(task.assignee)},
	];
}

/** The progress of a task: by its steps if it has any, otherwise as reported by its owner. */
export function progressOf(state: State, task: Task): {readonly part: number; readonly words: Printable} {
	const steps = stepsOf(state, task.id).filter(({status}) => status !== 'cancelled');
	if (steps.length === 0) {
		const part = Math.max(0, Math.min(1, task.progress));
		return {part, words: p`${Math.round(part * 100)} %`};
	}
	const done = steps.filter(({status}) => status === 'done').length;
	// Computed from the steps, which count in part while they run; the plan's row may not be updated yet.
	const mean = steps.reduce((sum, step) => sum + (step.status === 'done' ? 1 : step.progress), 0) / steps.length;
	return {part: Math.max(0, Math.min(1, mean)), words: p`${done}/${steps.length}`};
}

/** Milliseconds before the end of a lease from which on its time is shown as a warning. */
export const leaseWarning = 10_000;

/** The remaining time of the lease; empty if there is none. */
function leaseWords({lease_until}: Task, now: number): Span {
	if (lease_until === null) return {text: p``, style: theme.grey};
	const left = Date.parse(lease_until) - now;
	if (left <= 0) return {text: p`lease expired`, style: theme.warn};
	return {text: p`lease ${duration(left)}`, style: left < leaseWarning ? theme.warn : theme.grey};
}

/** Columns for a count, and for a count with a lease: `  100 %  lease 15 min`. */
const labelWidths = {count: 9, lease: 21};

/** A progress bar of at most `width` columns, with the progress and the remaining lease. */
export function progressSpans(state: State, task: Task, width: number, now: number): Span[] {
	const {part, words} = progressOf(state, task);
	const lease = leaseWords(task, now);
	const bar = Math.max(4, width - (lease.text === '' ? labelWidths.count : labelWidths.lease));
	const full = Math.round(bar * part);
	return [
		{text: p`━`.repeat(full), style: theme.good},
		{text: p`─`.repeat(bar - full), style: theme.rule},
		{text: p`  ${words}`, style: theme.grey},
		...(lease.text === '' ? [] : [{...lease, text: p`  ${lease.text}`}]),
	];
}

/** The result on one line: its table, or the value itself. */
export function resultSpans({result, result_table}: Task): Span[] {
	const table: Span[] =
		result_table === null
			? []
			: [
					{text: p` ${printable(result_table)} `, style: theme.code},
					{text: p` `, style: theme.grey},
				];
	const text = result === null ? '' : typeof result === 'string' ? result : JSON.stringify(result);
	const value: Span[] = text === '' ? [] : [{text: printable(text.slice(0, 300)), style: theme.grey}];
	return [{text: p`result: `, style: theme.grey}, ...table, ...value];
}
