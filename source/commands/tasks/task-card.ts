import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {TaskChange} from '../../mailbox/state-change.ts';
import type {TableRow} from '../../mailbox/table.ts';
import type {Task, TaskAttempt} from '../../mailbox/task.ts';
import {stallsAmong} from '../../mailbox/tasks/stall.ts';
import {statusOf} from '../../mailbox/tasks/task-standing.ts';
import {noSuchTask} from '../cli/not-found.ts';

/** A task with its steps, and theirs. */
export interface TaskWithSteps extends Task {
	readonly steps: readonly TaskWithSteps[];
}

/** A task with everything that its card shows. */
export interface TaskCard extends TaskWithSteps {
	/** Why nothing happens to it, if it is a plan; null if something does. */
	readonly stalled: string | null;
	/** The attempts at the task, oldest first. */
	readonly attempts_made: readonly TaskAttempt[];
	/** Changes of the task and its steps, oldest first; kept for 30 days. */
	readonly events: readonly Omit<TaskChange, 'kind'>[];
	/** The first rows of its `result_table`; null if it has none. */
	readonly rows: readonly TableRow[] | null;
	/** Why these rows cannot be read. */
	readonly rows_error?: string;
}

/** How many levels of plans within plans are read. */
const maxDepth = 8;
const page = 1000;
/** Pages of events, of all tasks, that are searched. */
const maxPages = 20;

/** Reads the card. Rejects with MailboxError if there is no such task. */
export async function readCard(mailbox: Mailbox, id: number): Promise<TaskCard> {
	const [task] = await mailbox.tasks.list({ids: [id], limit: 1});
	if (task === undefined) {
		throw noSuchTask(id);
	}
	const steps = await stepsOf(mailbox, [id], 1);
	const whole = withStatuses({...task, steps: steps.get(id) ?? []});
	const attempts_made = task.attempts === 0 && task.lease_token === 0 ? [] : await mailbox.tasks.attempts(id);
	const [events, rows] = await Promise.all([eventsOf(mailbox, whole), rowsOf(mailbox, task)]);
	const stalled = (await stallsAmong(mailbox, [task])).get(id) ?? null;
	return {...whole, stalled, attempts_made, events, ...rows};
}

/** With the status of each plan derived from its steps. */
function withStatuses(task: TaskWithSteps): TaskWithSteps {
	const steps = task.steps.map(withStatuses);
	const statuses = steps.map(({status}) => status);
	return {...task, steps, status: statusOf(task, statuses)};
}

/** The steps of tasks, in order, by parent. */
async function stepsOf(
	mailbox: Mailbox,
	parents: readonly number[],
	depth: number,
): Promise<ReadonlyMap<number, readonly TaskWithSteps[]>> {
	const tasks = await mailbox.tasks.list({parents, limit: page});
	if (tasks.length === 0 || depth >= maxDepth) return groups(tasks.map(task => ({...task, steps: []})));
	const within = await stepsOf(
		mailbox,
		tasks.map(({id}) => id),
		depth + 1,
	);
	return groups(tasks.map(task => ({...task, steps: within.get(task.id) ?? []})));
}

function groups(steps: readonly TaskWithSteps[]): ReadonlyMap<number, readonly TaskWithSteps[]> {
	const sorted = [...steps].sort((one, other) => one.position - other.position || one.id - other.id);
	return Map.groupBy(sorted, ({parent_id}) => parent_id ?? 0);
}

/** Only searches between the task's creation and its last change. */
async function eventsOf(mailbox: Mailbox, task: TaskWithSteps): Promise<Omit<TaskChange, 'kind'>[]> {
	const ids = new Set(idsIn(task));
	const from = task.created_at;
	const to = new Date(Math.max(...latestIn(task)) + 1000).toISOString();
	const found: Omit<TaskChange, 'kind'>[] = [];
	let changes = await mailbox.changes({from, to, limit: page});
	for (let read = 1; ; read++) {
		const mine = changes.flatMap(change => {
			if (change.kind !== 'task' || !ids.has(change.task_id)) return [];
			const {kind: _, ...event} = change;
			return [event];
		});
		found.unshift(...mine);
		const [before] = changes;
		if (before === undefined || changes.length < page || read >= maxPages) return found;
		changes = await mailbox.changes({from, before, limit: page});
	}
}

function idsIn({id, steps}: TaskWithSteps): number[] {
	return [id, ...steps.flatMap(idsIn)];
}

function latestIn({updated_at, steps}: TaskWithSteps): number[] {
	return [Date.parse(updated_at), ...steps.flatMap(latestIn)];
}

async function rowsOf(mailbox: Mailbox, {result_table}: Task): Promise<Pick<TaskCard, 'rows' | 'rows_error'>> {
	if (result_table === null) return {rows: null};
	try {
		return {rows: await mailbox.table(result_table)};
	} catch (error) {
		// The card is useful without the rows.
		if (!(error instanceof MailboxError)) throw error;
		return {rows: null, rows_error: error.message};
	}
}
