import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {z} from 'zod';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {taskStatuses, type Task} from '../../mailbox/task.ts';
import {listStanding, standingIn} from '../../mailbox/tasks/task-standing.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering, maxAnswer, printableValue} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {
	queueSchema,
	briefTask,
	taskId,
	taskLines,
	wholeTaskSchema,
	wholeTask,
	wholeTaskLines,
} from '../answers/task-data.ts';
import {findTask, noSuchTask} from '../answers/task-standing.ts';

const listedTask = wholeTaskSchema.extend({
	level: z.number().int().describe('Its depth in the tree of plans.'),
});

export function registerListTasks(server: McpServer, session: Session): void {
	server.registerTool(
		'list_tasks',
		{
			title: 'List tasks',
			description:
				'Lists the shared task board, most recently changed first, with the steps of a plan below it in order. With id: that ' +
				'task with its body, its result and its steps.',
			inputSchema: z.strictObject({
				id: taskId.optional().describe('Only this task and its steps; other filters do not apply.'),
				status: z
					.array(z.enum(taskStatuses))
					.max(taskStatuses.length)
					.optional()
					.describe('Only tasks with these statuses; omit for all.'),
				queue: queueSchema.optional().describe('Only tasks in this queue.'),
				mine: z.boolean().default(false).describe('Only tasks that you are working on.'),
				limit: z
					.number()
					.int()
					.min(1)
					.max(100)
					.default(50)
					.describe('The maximum number of tasks, not counting the steps of plans among them.'),
			}),
			outputSchema: {
				notice: z.string(),
				tasks: z.array(listedTask),
				more: z.boolean().describe('Whether there are more.'),
				hint: z.string(),
			},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		({id, status, queue, mine, limit}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				if (id !== undefined) {
					const task = await findTask(mailbox, id);
					if (task === null) throw noSuchTask(id);
					return board(await withSteps(mailbox, [task]), {whole: id});
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
				return board(filtered ? tasks : await withSteps(mailbox, tasks), {cut: found.length > limit});
			}),
	);
}

/** How many levels of steps below a task are fetched. */
const depth = 5;

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

/** The answer with as many tasks as fit. `whole`: the id of a task to show with its body and result. */
function board(
	tasks: readonly Task[],
	{whole, cut = false}: {readonly whole?: number; readonly cut?: boolean},
): CallToolResult {
	const lines: string[] = [];
	const data: z.infer<typeof listedTask>[] = [];
	let room = maxAnswer;
	for (const {task, level} of inTree(tasks)) {
		const one = {level, ...(task.id === whole ? wholeTask(task) : briefTask(task))};
		room -= JSON.stringify(printableValue(one)).length + 1;
		if (room < 0) break;
		data.push(one);
		const own = task.id === whole ? wholeTaskLines(task) : taskLines(task);
		lines.push(...own.map(line => `${'  '.repeat(level)}${line}`));
	}
	const more = cut || data.length < tasks.length;
	const next = more
		? 'There are more: filter by status or queue, or use id for one plan.'
		: 'Use claim_task to claim one, or list_tasks with id for all details of one.';
	const hint = tasks.length === 0 ? 'No tasks.' : next;
	return answer(tasks.length === 0 ? [hint] : [notice, ...lines, hint], {notice, tasks: data, more, hint});
}
