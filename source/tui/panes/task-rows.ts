import {blockedForEver, type Task} from '../../mailbox/task.ts';
import {statusOf, stepsOf, tasksByStatus} from '../../store/select.ts';
import type {State} from '../../store/state.ts';

/** One line of the task list, by what it says; drawn only where it is visible. */
export interface TaskRow {
	readonly kind: 'gap' | 'sentence' | 'bar' | 'note' | 'error' | 'result';
	readonly task: Task;
	/** How many plans it stands below. */
	readonly depth: number;
}

interface TaskList {
	readonly rows: readonly TaskRow[];
	/** The tasks in the order in which they are shown, each with its steps behind it. */
	readonly order: readonly Task[];
}

/** Finished tasks are shown up to this many; the rest is counted in the header. */
const finishedShown = 12;
/** Plans within plans are drawn this deep. */
const deepest = 8;

const lists = new WeakMap<State['tasks'], TaskList>();

/** The list of all tasks; made anew only when one of them has changed. */
export function taskList(state: State): TaskList {
	let list = lists.get(state.tasks);
	if (list === undefined) lists.set(state.tasks, (list = listOf(state)));
	return list;
}

function listOf(state: State): TaskList {
	const rows: TaskRow[] = [];
	const order: Task[] = [];
	const add = (task: Task, depth: number): void => {
		order.push(task);
		rows.push({kind: 'sentence', task, depth});
		for (const kind of below(state, task, depth)) rows.push({kind, task, depth});
		if (depth >= deepest || isSettled(state, task)) return;
		for (const step of stepsOf(state, task.id)) add(step, depth + 1);
	};
	let group = '';
	for (const task of topTasks(state)) {
		// What waits stands together; everything else has a line of its own around it.
		const plain = statusOf(state, task) === 'queued' && stepsOf(state, task.id).length === 0 && task.attempts === 0;
		const next = plain ? 'queued' : String(task.id);
		if (next !== group) rows.push({kind: 'gap', task, depth: 0});
		group = next;
		add(task, 0);
	}
	return {rows, order};
}

function topTasks(state: State): Task[] {
	return [
		...tasksByStatus(state, 'running'),
		...tasksByStatus(state, 'queued'),
		...tasksByStatus(state, 'failed', 'dead').slice(0, finishedShown),
		...tasksByStatus(state, 'done', 'cancelled').slice(0, finishedShown),
	];
}

/** Nobody asks for the steps of a plan that was done, or dropped. */
function isSettled(state: State, task: Task): boolean {
	const status = statusOf(state, task);
	return status === 'done' || status === 'cancelled';
}

/** The lines below a task's sentence. */
function below(state: State, task: Task, depth: number): TaskRow['kind'][] {
	const status = statusOf(state, task);
	const isPlan = stepsOf(state, task.id).length > 0;
	const kinds: TaskRow['kind'][] = [];
	// A step says how far it is in its sentence.
	if (depth === 0 && (status === 'running' || (status === 'queued' && isPlan))) kinds.push('bar');
	if (status === 'running' && task.note !== null && task.note !== '') kinds.push('note');
	const isAgain = status === 'queued' && (task.attempts > 0 || blockedForEver(task) !== null);
	if ((status === 'dead' || isAgain || (status === 'failed' && !isPlan)) && task.last_error !== null)
		kinds.push('error');
	if (status === 'done' && (task.result_table !== null || task.result !== null)) kinds.push('result');
	return kinds;
}
