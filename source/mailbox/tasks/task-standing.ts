import type {Mailbox} from '../mailbox.ts';
import {stepsOf} from './leaves.ts';
import {blockedForEver, type Task, type TaskFilter, type TaskStatus} from '../task.ts';

/*
 * The status of a task, in the same words on the screen, on the command line and for agents. A plan (a task with steps) is never
 * claimed itself, and the database keeps it queued until its steps have ended. Here it is running once one of them was begun.
 */

type Board = Pick<Mailbox['tasks'], 'list'>;

/** `steps`: the statuses of its steps, with those of plans among them already derived. */
export function statusOf({status}: Pick<Task, 'status'>, steps: Iterable<TaskStatus>): TaskStatus {
	return status === 'queued' && [...steps].some(isBegun) ? 'running' : status;
}

function isBegun(status: TaskStatus): boolean {
	return status !== 'queued' && status !== 'cancelled';
}

/** The status in a few words, for a list: `running 50%`. */
export function briefStanding(task: Task): string {
	if (task.status === 'running') return `running ${percentOf(task)}`;
	return blockedForEver(task) ?? task.status;
}

/** The status in detail, for a single task. `far`: its progress, if that is not shown elsewhere. */
export function standing(task: Task, steps: readonly Pick<Task, 'status'>[], far = ''): string {
	const {attempts, max_attempts} = task;
	const status = statusOf(
		task,
		steps.map(step => step.status),
	);
	if (blockedForEver(task) !== null) return 'blocked for ever';
	const head = status === 'running' && far !== '' ? `${status} ${far}` : status;
	if (steps.length > 0) {
		const counting = steps.filter(step => step.status !== 'cancelled');
		return `${head}, ${counting.filter(step => step.status === 'done').length} of ${counting.length} steps done`;
	}
	if (status === 'running') return `${head}, attempt ${attempts} of ${max_attempts}`;
	if (status === 'queued') return attempts === 0 ? head : `${head}, attempt ${attempts + 1} of ${max_attempts}`;
	return attempts === 0 ? head : `${head} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
}

export function percentOf({progress}: Pick<Task, 'progress'>): string {
	return `${Math.round(progress * 100)}%`;
}

/** The status in one sentence. */
export function standingSentence({id, status, lease_owner, lease_until}: Task): string {
	if (status !== 'running') return `Task #${id} is ${status}.`;
	if (lease_owner === null) return `Task #${id} is running.`;
	return `Task #${id} is running: ${lease_owner} has it until ${lease_until ?? 'it ends'}.`;
}

/** The tasks that match a filter, with the derived status: a plan that was begun counts as running. */
export async function listStanding(board: Board, filter: TaskFilter = {}): Promise<Task[]> {
	const {status, owner, limit = 200} = filter;
	const found = await standingIn(board, await board.list(filter));
	if (status === undefined || status.includes('queued') === status.includes('running')) return found;
	if (status.includes('queued')) return found.filter(task => status.includes(task.status));
	// A plan has no owner.
	if (owner !== undefined) return found;
	const queued = await standingIn(board, await board.list({...filter, status: ['queued'], limit: page}));
	return [...found, ...queued.filter(task => task.status === 'running')].sort(latestFirst).slice(0, limit);
}

function latestFirst(one: Task, other: Task): number {
	return other.updated_at.localeCompare(one.updated_at) || other.id - one.id;
}

const page = 1000;
/** How many levels of plans within plans are read. */
const maxDepth = 8;

/** The same tasks, with the status of plans derived from their steps. */
export async function standingIn(board: Board, tasks: readonly Task[]): Promise<Task[]> {
	const queued = tasks.filter(({status}) => status === 'queued').map(({id}) => id);
	const begun = await begunAmong(board, queued, 1);
	return tasks.map(task => (begun.has(task.id) ? {...task, status: 'running'} : task));
}

async function begunAmong(board: Board, ids: readonly number[], depth: number): Promise<ReadonlySet<number | null>> {
	const steps = await stepsOf(board, ids);
	const begun = new Set(steps.filter(({status}) => isBegun(status)).map(({parent_id}) => parent_id));
	const open = steps.filter(({status, parent_id}) => status === 'queued' && !begun.has(parent_id));
	if (open.length === 0 || depth >= maxDepth) return begun;
	const within = await begunAmong(
		board,
		open.map(({id}) => id),
		depth + 1,
	);
	for (const {id, parent_id} of open) if (within.has(id)) begun.add(parent_id);
	return begun;
}
