import {randomUUID} from 'node:crypto';
import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import {RecentMap} from '../../mailbox/recent.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {listed} from '../answers/listed.ts';
import {plainText} from '../answers/plain-text.ts';
import {queueSchema, briefTask, taskId, taskSchema} from '../answers/task-data.ts';

/** How many unconfirmed tasks are remembered; each may be long. */
const maxUnconfirmed = 20;

export function registerAddTask(server: McpServer, session: Session): void {
	// The keys of unconfirmed tasks, by their contents: if the agent tries again, the task is added only once.
	const unconfirmed = new RecentMap<string, string>(maxUnconfirmed);

	server.registerTool(
		'add_task',
		{
			title: 'Add a task',
			description:
				'Adds a task to the board that all agents and the human share; one of them claims it from its queue with claim_task. ' +
				'With steps it is a plan: the steps are claimed, and the plan is done when all of them are.',
			inputSchema: z.strictObject({
				title: plainText(1000).describe('What to do, in one line.'),
				body: plainText(100_000).optional().describe('Everything that its owner needs to know.'),
				queue: queueSchema.default('default').describe('The queue in which it waits to be claimed.'),
				priority: z.number().int().min(-1000).max(1000).default(0).describe('Higher goes first.'),
				steps: z
					.array(z.strictObject({title: plainText(1000), body: plainText(100_000).optional()}))
					.min(1)
					.max(100)
					.optional()
					.describe('Makes it a plan of these steps.'),
				in_order: z
					.boolean()
					.default(true)
					.describe('With steps: whether each can be claimed only when the one before is done.'),
				parent_id: taskId.optional().describe('The plan that this is a step of.'),
				position: z
					.number()
					.int()
					.min(0)
					.max(1_000_000)
					.optional()
					.describe('With parent_id: its position among the steps.'),
				depends_on: z.array(taskId).max(100).optional().describe('Tasks that must be done before it can be claimed.'),
				message_id: z.number().int().positive().optional().describe('The message that asked for it.'),
				idem_key: plainText(200).optional().describe('A task with the same key in the same queue is added only once.'),
			}),
			outputSchema: {
				task: taskSchema,
				steps: z.array(z.number().int()).describe('The ids of the steps of a plan, in order.'),
				hint: z.string(),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({steps, in_order, ...fields}) =>
			answering(async () => {
				const contents = JSON.stringify([steps, in_order, fields]);
				const idem_key = fields.idem_key ?? unconfirmed.get(contents) ?? randomUUID();
				unconfirmed.set(contents, idem_key);
				const draft = {...given(fields), idem_key};
				const {tasks} = await session.mailbox();
				const added =
					steps === undefined ? [await tasks.add(draft)] : await tasks.plan(draft, steps.map(given), in_order);
				unconfirmed.delete(contents);
				const [task, ...addedSteps] = added;
				if (task === undefined) throw new MailboxError('internal', 'The server accepted the task but returned no row.');
				const ids = addedSteps.map(({id}) => id);
				const hint =
					ids.length === 0
						? `Task #${task.id} is ${task.status} in queue ${task.queue}; list_tasks shows its progress.`
						: `Plan #${task.id} is in queue ${task.queue} with the steps ${listed(ids)}; list_tasks with id ${task.id} shows its progress.`;
				return answer([hint], {task: briefTask(task), steps: ids, hint});
			}),
	);
}

/** Without the fields that were not given. */
function given<T extends object>(fields: T): {[K in keyof T]: Exclude<T[K], undefined>} {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
		[K in keyof T]: Exclude<T[K], undefined>;
	};
}
