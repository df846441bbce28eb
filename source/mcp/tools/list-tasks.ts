import {z} from 'zod';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {taskStatuses, type Task, type TaskAttempt} from '../../mailbox/task.ts';
import {stallsAmong} from '../../mailbox/tasks/stall.ts';
import {listStanding, standingIn} from '../../mailbox/tasks/task-standing.ts';
import {notice} from '../../quotation/agent-text.ts';
import {blockSize} from '../answers/excerpt.ts';
import {listed} from '../answers/listed.ts';
import {margin} from '../answers/room.ts';
import {attemptLines, taskLines, wholeTaskLines} from '../answers/task-lines.ts';
import {findTask, noSuchTask} from '../answers/task-standing.ts';
import {idSchema, queueSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function listTasks(session: Session): Tool {
	return defineTool(
		{
			name: 'list_tasks',
			title: 'List tasks',
			description: 'Lists tasks and plans; with id one in full.',
			input: {
				id: idSchema.optional(),
				status: z.array(z.enum(taskStatuses)).max(taskStatuses.length).optional(),
				queue: queueSchema.optional(),
				mine: z.boolean().default(false),
				limit: z.number().int().min(1).max(100).default(50),
			},
			readOnly: true,
		},
		async ({id, status, queue, mine, limit}, {room}) => {
			const mailbox = await session.mailbox();
			if (id !== undefined) {
				const task = await findTask(mailbox, id);
				if (task === null) throw noSuchTask(id);
				const attempts = task.attempts === 0 ? [] : await mailbox.tasks.attempts(id);
				const stalls = await stallsAmong(mailbox, [task]);
				return board(await withSteps(mailbox, [task]), {whole: id, attempts, stalls, room});
			}
			const found = await listStanding(mailbox.tasks, {
				limit: limit + 1,
				...(status === undefined ? {} : {status}),
				...(queue === undefined ? {} : {queue}),
				...(mine ? {owner: session.tag} : {}),
			});
			const tasks = found.slice(0, limit);
			// A filtered list contains only matching tasks; otherwise a plan comes with all its steps.
			const filtered = status !== undefined || mine;
			const stalls = await stallsAmong(mailbox, tasks);
			return board(filtered ? tasks : await withSteps(mailbox, tasks), {cut: found.length > limit, stalls, room});
		},
	);
}

/** How many levels of steps below a task are fetched. */
const depth = 5;
/** How many of the tasks without room are named. */
const maxNamed = 30;

async function withSteps(mailbox: Mailbox, tasks: readonly Task[]): Promise<Task[]> {
	const known = new Map(tasks.map(task => [task.id, task]));
	let parents = [...known.keys()];
	for (let generation = 0; generation < depth && parents.length > 0; generation++) {
		const steps = await mailbox.tasks.list({parents, limit: 200});
		const fresh = steps.filter(({id}) => !known.has(id));
		for (const step of fresh) known.set(step.id, step);
		parents = fresh.map(({id}) => id);
	}
	return standingIn(mailbox.tasks, [...known.values()]);
}

/** The tasks as a tree: roots in the given order, and below each its steps by position. */
function inTree(tasks: readonly Task[]): {readonly task: Task; readonly level: number}[] {
	const shown = new Set(tasks.map(({id}) => id));
	const under = Map.groupBy(tasks, ({parent_id}) => (parent_id !== null && shown.has(parent_id) ? parent_id : null));
	const walk = (parent: number | null, level: number): {task: Task; level: number}[] => {
		const children = under.get(parent) ?? [];
		const sorted =
			parent === null
				? children
				: children.toSorted((one, other) => one.position - other.position || one.id - other.id);
		return sorted.flatMap(task => [{task, level}, ...walk(task.id, level + 1)]);
	};
	return walk(null, 0);
}

interface Showing {
	/** The id of a task to show with its body and result. */
	readonly whole?: number;
	/** Whether there are more tasks than these. */
	readonly cut?: boolean;
	/** Of the one that is shown whole. */
	readonly attempts?: readonly TaskAttempt[];
	/** Why plans are stalled, by id. */
	readonly stalls: ReadonlyMap<number, string>;
	readonly room: number;
}

/** As many tasks as fit; those that do not are named. */
function board(tasks: readonly Task[], {whole, attempts = [], cut = false, stalls, room}: Showing): string[] {
	if (tasks.length === 0) return ['No tasks.'];
	const lines: string[] = [];
	const tree = inTree(tasks);
	let left = room - margin;
	let shown = 0;
	for (const {task, level} of tree) {
		const isWhole = task.id === whole;
		const own = isWhole
			? [...wholeTaskLines(task, left, stalls.get(task.id)), ...attemptLines(attempts)]
			: taskLines(task, {below: level > 0, stall: stalls.get(task.id)});
		const indented = own.map(line => `${'  '.repeat(level)}${line}`);
		left -= blockSize(indented);
		if (left < 0 && shown > 0) break;
		lines.push(...indented);
		shown += 1;
	}
	const rest = tree.slice(shown).map(({task}) => task.id);
	const named = `${listed(rest.slice(0, maxNamed))}${rest.length > maxNamed ? ' …' : ''}`;
	const others = rest.length === 0 ? [] : [`Not shown, for want of room: ${named}.`];
	const more =
		cut || rest.length > 0
			? [[...others, 'There are more: filter by status or queue, or use id for one plan.'].join(' ')]
			: [];
	return [notice, ...lines, ...more];
}
