import {blockedForEver, type Task} from '../../mailbox/task.ts';
import {statusOf, stepsOf, tasksByStatus} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';

/** One line of the task list. It is only drawn if it is visible. */
export interface TaskRow {
	readonly kind: 'gap' | 'sentence' | 'bar' | 'note' | 'error' | 'result';
	readonly task: Task;
	/** How many plans contain it. */
	readonly depth: number;
}

interface TaskList {
	readonly rows: readonly TaskRow[];
	/** The tasks in screen order, each followed by its steps. */
	readonly order: readonly Task[];
}

/** How many finished tasks are shown; the header counts the rest. */
const finishedShown = 12;
/** How deep nested plans are shown. */
const maxDepth = 8;

const lists = new WeakMap<State['tasks'], TaskList>();

/** The list of all tasks, cached until one of them changes. */
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
		if (depth >= maxDepth || isFinished(state, task)) return;
		for (const step of stepsOf(state, task.id)) add(step, depth + 1);
	};
	let group = '';
	for (const task of topTasks(state)) {
		// Queued tasks form one group; every other task has gaps around it.
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

/** The steps of a plan that is done or cancelled are not shown. */
function isFinished(state: State, task: Task): boolean {
	const status = statusOf(state, task);
	return status === 'done' || status === 'cancelled';
}

/** The lines below a task's sentence. */
function below(state: State, task: Task, depth: number): TaskRow['kind'][] {
	const status = statusOf(state, task);
	const isPlan = stepsOf(state, task.id).length > 0;
	const kinds: TaskRow['kind'][] = [];
	// A step shows its progress in its sentence.
	if (depth === 0 && (status === 'running' || (status === 'queued' && isPlan))) kinds.push('bar');
	if (status === 'running' && task.note !== null && task.note !== '') kinds.push('note');
	const isAgain = status === 'queued' && (task.attempts > 0 || blockedForEver(task) !== null);
	if ((status === 'dead' || isAgain || (status === 'failed' && !isPlan)) && task.last_error !== null)
		kinds.push('error');
	if (status === 'done' && (task.result_table !== null || task.result !== null)) kinds.push('result');
	return kinds;
}
