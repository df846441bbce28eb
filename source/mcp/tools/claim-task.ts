import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import {defaultLease, type Claims} from '../session/claims.ts';
import type {Session} from '../session/session.ts';
import {queueSchema, taskId, wholeTaskSchema, wholeTask, wholeTaskLines} from '../answers/task-data.ts';
import {whyNotClaimed} from '../answers/task-standing.ts';

export const leaseSchema = z.number().int().min(10).max(3600);
export const tokenSchema = z
	.number()
	.int()
	.positive()
	.optional()
	.describe('The token of the claim, from claim_task; needed only if the task was claimed elsewhere.');

export function registerClaimTask(server: McpServer, session: Session, claims: Claims): void {
	server.registerTool(
		'claim_task',
		{
			title: 'Claim a task',
			description:
				'Claims the next ready task of a queue (the highest priority, then the longest waiting), or the task with the given ' +
				`id, for ${session.tag} only. The claim lasts for lease_seconds and is renewed while you are connected. finish_task ` +
				'ends it; if it runs out, the task is put back for others. Returns the whole task, or none if none is ready.',
			inputSchema: z.strictObject({
				queue: queueSchema.default('default').describe('The queue to claim from.'),
				id: taskId.optional().describe('Claim this task, whatever its queue.'),
				lease_seconds: leaseSchema.default(defaultLease).describe('How long the claim lasts without renewal.'),
			}),
			outputSchema: {
				notice: z.string(),
				task: wholeTaskSchema.optional(),
				lease_token: z.number().int().optional().describe('The token of this claim.'),
				lease_seconds: z.number().int(),
				hint: z.string(),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({queue, id, lease_seconds}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				const task = await mailbox.tasks.claim({queue, lease: lease_seconds, ...(id === undefined ? {} : {id})});
				if (task === null) {
					if (id !== undefined) throw await whyNotClaimed(mailbox, id, session.tag);
					const hint = await whereWorkIs(mailbox, queue);
					const none = `No task is ready in queue ${queue}. ${hint}`;
					return answer([none], {notice, lease_seconds, hint});
				}
				claims.keep(task, lease_seconds);
				const hint =
					`Task #${task.id} is yours while you are connected, and ${lease_seconds} seconds longer. Report with task_progress ` +
					`and end it with finish_task, both with id ${task.id}.`;
				const data = {notice, task: wholeTask(task), lease_token: task.lease_token, lease_seconds, hint};
				return answer([`Claimed. ${notice}`, ...wholeTaskLines(task), hint], data);
			}),
	);
}

/** A hint for an agent that found no ready task: what is queued and where. */
async function whereWorkIs(mailbox: Mailbox, queue: string): Promise<string> {
	const queued = await mailbox.tasks.list({status: ['queued'], limit: 200});
	const counts = new Map<string, number>();
	for (const task of queued) counts.set(task.queue, (counts.get(task.queue) ?? 0) + 1);
	const here = counts.get(queue) ?? 0;
	counts.delete(queue);
	const waiting = here === 0 ? [] : [`${here} there wait for other tasks or for their time (list_tasks shows them).`];
	const others = [...counts].slice(0, 10).map(([name, count]) => `${name} (${count})`);
	const elsewhere = others.length === 0 ? [] : [`Other queues have tasks: ${others.join(', ')}.`];
	return [...waiting, ...elsewhere, 'wait_for_message waits for a message.'].join(' ');
}
