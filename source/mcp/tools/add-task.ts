import {randomUUID} from 'node:crypto';
import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import {RecentMap} from '../../mailbox/recent.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {listed} from '../answers/listed.ts';
import {plainText} from '../answers/plain-text.ts';
import {queueSchema, taskAtAGlance, taskId, taskSchema} from '../answers/task-data.ts';

/** Tasks whose fate is not known that are remembered: each may be long. */
const maxUnsure = 20;

export function registerAddTask(server: McpServer, session: Session): void {
	// A task whose fate is not known keeps its key: added again with the same words, it is added once.
	const unsure = new RecentMap<string, string>(maxUnsure);

	server.registerTool(
		'add_task',
		{
			title: 'Add a task',
			description:
				'Puts a task on the board that all agents and the human share; one of them takes it from its queue with claim_task. ' +
				'With steps it is a plan: the steps are claimed, and the plan is done with the last of them.',
			inputSchema: z.strictObject({
				title: plainText(1000).describe('What is to be done, in one line.'),
				body: plainText(100_000).optional().describe('Everything that whoever takes it needs to know.'),
				queue: queueSchema.default('default').describe('Where it waits to be claimed.'),
				priority: z.number().int().min(-1000).max(1000).default(0).describe('Higher goes first.'),
				steps: z
					.array(z.strictObject({title: plainText(1000), body: plainText(100_000).optional()}))
					.min(1)
					.max(100)
					.optional()
					.describe('Makes it a plan of these steps.'),
				in_order: z.boolean().default(true).describe('With steps: each can be claimed when the one before is done.'),
				parent_id: taskId.optional().describe('The task that this is a step of.'),
				position: z
					.number()
					.int()
					.min(0)
					.max(1_000_000)
					.optional()
					.describe('With parent_id: its place among the steps.'),
				depends_on: z.array(taskId).max(100).optional().describe('Tasks that must be done before it can be claimed.'),
				message_id: z.number().int().positive().optional().describe('The message that it was asked for in.'),
				idem_key: plainText(200).optional().describe('Adding twice under one key in one queue adds it once.'),
			}),
			outputSchema: {
				task: taskSchema,
				steps: z.array(z.number().int()).describe('The ids of the steps of a plan, in their order.'),
				hint: z.string(),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({steps, in_order, ...fields}) =>
			answering(async () => {
				const letter = JSON.stringify([steps, in_order, fields]);
				const idem_key = fields.idem_key ?? unsure.get(letter) ?? randomUUID();
				unsure.set(letter, idem_key);
				const draft = {...given(fields), idem_key};
				const {tasks} = await session.mailbox();
				const added =
					steps === undefined ? [await tasks.add(draft)] : await tasks.plan(draft, steps.map(given), in_order);
				unsure.delete(letter);
				const [task, ...its] = added;
				if (task === undefined) throw new MailboxError('internal', 'The server accepted the task but returned no row.');
				const ids = its.map(({id}) => id);
				const hint =
					ids.length === 0
						? `Task #${task.id} is ${task.status} in queue ${task.queue}; list_tasks shows how it goes.`
						: `Plan #${task.id} is in queue ${task.queue} with the steps ${listed(ids)}; list_tasks with id ${task.id} shows how it goes.`;
				return answer([hint], {task: taskAtAGlance(task), steps: ids, hint});
			}),
	);
}

/** Without the fields that were not given. */
function given<T extends object>(fields: T): {[K in keyof T]: Exclude<T[K], undefined>} {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
		[K in keyof T]: Exclude<T[K], undefined>;
	};
}
