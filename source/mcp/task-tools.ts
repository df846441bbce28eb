import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {taskStatuses, type Task} from '../mailbox/task.ts';
import {printable} from '../printable.ts';
import {answer, answering} from './answer.ts';
import type {Desk} from './desk.ts';

const taskSchema = z.object({
	id: z.number().int(),
	queue: z.string(),
	title: z.string(),
	body: z.string(),
	status: z.enum(taskStatuses),
	priority: z.number(),
	progress: z.number(),
	owner: z.string().nullable().describe('Who works on it now.'),
	parent_id: z.number().int().nullable(),
	depends_on: z.array(z.number().int()),
	last_error: z.string().nullable(),
	created_by: z.string().nullable(),
	updated_at: z.string(),
});

export function registerTaskTools(server: McpServer, desk: Desk): void {
	server.registerTool(
		'add_task',
		{
			title: 'Add a task',
			description: 'Add a task to the board that all agents and the human share. One of them takes it from its queue.',
			inputSchema: {
				title: z.string().min(1).max(500).describe('One line that says what is to be done.'),
				body: z.string().max(100_000).optional().describe('Everything that whoever takes it needs to know.'),
				queue: z.string().min(1).max(100).optional().describe('Where it waits; "default" when omitted.'),
				priority: z.number().int().min(-1000).max(1000).optional().describe('Higher goes first; 0 when omitted.'),
				parent_id: z.number().int().positive().optional().describe('The task that this is a step of.'),
				depends_on: z.array(z.number().int().positive()).max(100).optional().describe('Tasks that must be done first.'),
				message_id: z.number().int().positive().optional().describe('The message that it was asked for in.'),
				idem_key: z
					.string()
					.min(1)
					.max(200)
					.optional()
					.describe('Adding twice under one key in one queue adds it once.'),
			},
			outputSchema: {task: taskSchema},
			annotations: {readOnlyHint: false, destructiveHint: false, openWorldHint: false},
		},
		draft =>
			answering(async () => {
				const given = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined));
				const task = await (await desk.mailbox()).tasks.add({title: draft.title, ...given});
				return answer([`Task #${task.id} waits in queue ${printable(task.queue)}.`], {task: dataOf(task)});
			}),
	);

	server.registerTool(
		'list_tasks',
		{
			title: 'List tasks',
			description: 'The shared task board, most recently changed first.',
			inputSchema: {
				status: z.array(z.enum(taskStatuses)).max(taskStatuses.length).optional().describe('Only these; omit for all.'),
				queue: z.string().min(1).max(100).optional().describe('Only this queue.'),
				mine: z.boolean().default(false).describe('Only what you are working on.'),
				limit: z.number().int().min(1).max(200).default(50),
			},
			outputSchema: {tasks: z.array(taskSchema)},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		({status, queue, mine, limit}) =>
			answering(async () => {
				const tasks = await (
					await desk.mailbox()
				).tasks.list({
					limit,
					...(status === undefined ? {} : {status}),
					...(queue === undefined ? {} : {queue}),
					...(mine ? {owner: desk.tag} : {}),
				});
				const lines = tasks.length === 0 ? ['No tasks.'] : tasks.map(lineOf);
				return answer(lines, {tasks: tasks.map(dataOf)});
			}),
	);
}

function dataOf(task: Task): z.infer<typeof taskSchema> {
	const {id, queue, title, body, status, priority, progress, parent_id, last_error, created_by, updated_at} = task;
	const depends_on = [...task.depends_on];
	const owner = task.lease_owner;
	return {
		id,
		queue,
		title,
		body,
		status,
		priority,
		progress,
		owner,
		parent_id,
		depends_on,
		last_error,
		created_by,
		updated_at,
	};
}

function lineOf({id, status, title, progress, lease_owner, last_error}: Task): string {
	const who = lease_owner === null ? '' : ` by ${lease_owner}`;
	const far = status === 'running' ? ` ${Math.round(progress * 100)}%` : '';
	const why = last_error === null ? '' : ` (${last_error})`;
	return printable(`#${id} ${status}${who}${far}: ${title}${why}`);
}
