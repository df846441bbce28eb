import type {Mailbox} from '../mailbox.ts';
import {sameTag, type Tag} from '../tag.ts';
import {blockedForEver, readySince, waitOf, type Task} from '../task.ts';
import {leavesBelow} from './leaves.ts';

type Board = Pick<Mailbox['tasks'], 'list' | 'attempts'>;

/** How many plans, and steps of each, are explained. */
const maxShown = 3;
const page = 200;

/**
 * Why there is nothing to claim for `me`, in sentences without any text by others: what open plans and tasks wait for, and since when;
 * or that the last plan is through.
 */
export async function nothingReady(board: Board, me: Tag, now = Date.now()): Promise<string[]> {
	const open = await board.list({status: ['queued', 'running'], limit: page});
	const mine = open.filter(({assignee}) => assignee === null || sameTag(assignee, me));
	const roots = mine.filter(({parent_id}) => parent_id === null).sort((one, other) => one.id - other.id);
	const steps = await leavesBelow(
		board,
		roots.map(({id}) => id),
	);
	const plans = roots.filter(({id}) => steps.has(id)).slice(0, maxShown);
	const sentences = await Promise.all(plans.map(plan => planSentence(board, plan, steps.get(plan.id) ?? [], now)));
	const single = roots.filter(({id}) => !steps.has(id));
	const waits = await Promise.all(single.slice(0, maxShown).map(task => waitOfTask(board, task, open, now)));
	const shown = sentences.length === 0 ? waits : waits.slice(0, 1);
	if (shown.length > 0) sentences.push(`${listOf(shown, single.length - shown.length)}.`);
	return sentences.length > 0
		? sentences
		: [`There are no open tasks${open.length > 0 ? ' for you' : ''}.${await lastPlan(board)}`];
}

/** `Plan #1 is not through: 7 of 10 steps done; #8 is being worked on by CLAUDE_2 since 12:30 UTC.` */
async function planSentence(board: Board, plan: Task, steps: readonly Task[], now: number): Promise<string> {
	const counted = steps.filter(({status}) => status !== 'cancelled');
	const done = counted.filter(({status}) => status === 'done').length;
	const isOpen = steps.filter(({status}) => status === 'queued' || status === 'running');
	// What others wait for comes first.
	const order = ({status, depends_on}: Task): number => (status === 'running' ? 0 : depends_on.length === 0 ? 1 : 2);
	const first = isOpen.toSorted((one, other) => order(one) - order(other) || one.id - other.id).slice(0, maxShown);
	const waits = await Promise.all(first.map(step => waitOfTask(board, step, steps, now)));
	const list = listOf(waits, isOpen.length - first.length);
	return `Plan #${plan.id} is not through: ${done} of ${counted.length} steps done; ${list}.`;
}

function listOf(waits: readonly string[], others: number): string {
	return [...waits, ...(others > 0 ? [`${others} more wait`] : [])].join('; ');
}

/** What one open task waits for. */
async function waitOfTask(board: Board, task: Task, known: readonly Task[], now: number): Promise<string> {
	const {id, status, lease_owner, run_at, attempts, max_attempts, assignee, updated_at} = task;
	if (status === 'running') {
		const begun = (await board.attempts(id)).at(-1)?.begun_at;
		return `#${id} is being worked on by ${lease_owner}${begun === undefined ? '' : ` since ${clock(begun)}`}`;
	}
	if (blockedForEver(task) !== null) return `#${id} is blocked for ever`;
	const taskOf = (other: number): Task | undefined => known.find(each => each.id === other);
	const needed = task.depends_on.filter(other => taskOf(other)?.status !== 'done');
	if (needed.length > 0) return `#${id} waits for ${needed.map(other => `#${other}`).join(', ')}`;
	if (waitOf(task, now) > 0) {
		const again =
			attempts === 0 ? '' : ` (attempt ${attempts + 1} of ${max_attempts}; it failed at ${clock(updated_at)})`;
		return `#${id} waits until ${clock(run_at ?? '')}${again}`;
	}
	const whom = assignee === null ? `in queue ${JSON.stringify(task.queue)}` : `for ${assignee}`;
	return `#${id} has been ready ${whom} since ${clock(readySince(task, taskOf))}`;
}

async function lastPlan(board: Board): Promise<string> {
	const ended = await board.list({status: ['done', 'failed', 'cancelled'], limit: page});
	const step = ended.find(({parent_id}) => parent_id !== null);
	const plan = ended.find(({id}) => id === step?.parent_id);
	if (plan === undefined) return '';
	if (plan.status !== 'done') return ` Plan #${plan.id} is ${plan.status}.`;
	const steps = (await leavesBelow(board, [plan.id])).get(plan.id) ?? [];
	const done = steps.filter(({status}) => status === 'done').length;
	if (done === steps.length) return ` Plan #${plan.id} is through: all of its steps are done.`;
	return ` Plan #${plan.id} has ended: ${done} of its ${steps.length} steps were done.`;
}

/** `12:30:05 UTC`. */
function clock(instant: string | number): string {
	return `${new Date(instant).toISOString().slice(11, 19)} UTC`;
}
