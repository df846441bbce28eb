import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import {leaseSchema, tokenSchema} from './claim-task.ts';
import type {Claims} from '../session/claims.ts';
import type {Session} from '../session/session.ts';
import {plainText} from '../answers/plain-text.ts';
import {briefTask, taskId, taskLines, taskSchema} from '../answers/task-data.ts';

export function registerTaskProgress(server: McpServer, session: Session, claims: Claims): void {
	server.registerTool(
		'task_progress',
		{
			title: 'Report progress on a task',
			description:
				'Reports the progress of a task that you have claimed, for everyone to see, and renews the claim. Call it when there ' +
				'is something to report.',
			inputSchema: z.strictObject({
				id: taskId,
				progress: z.number().min(0).max(1).describe('How much of it is done, from 0 to 1.'),
				note: plainText(10_000).optional().describe('One line about the progress.'),
				lease_seconds: leaseSchema
					.optional()
					.describe('How long the claim lasts from now without renewal; as before if omitted.'),
				lease_token: tokenSchema,
			}),
			outputSchema: {notice: z.string(), task: taskSchema, lease_seconds: z.number().int(), hint: z.string()},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false},
		},
		({id, progress, note, lease_seconds, lease_token}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				return claims.using(mailbox, id, lease_token, async claim => {
					const seconds = lease_seconds ?? claim.lease;
					// Renew the lease first, so that the work can continue even if the report fails.
					await mailbox.tasks.heartbeat(id, claim.token, seconds);
					const task = await mailbox.tasks.progress(id, claim.token, progress, note);
					claims.keep(task, seconds);
					const hint = `It is yours while you are connected, and ${seconds} seconds longer.`;
					const data = {notice, task: briefTask(task), lease_seconds: seconds, hint};
					return answer([`Recorded. ${notice}`, ...taskLines(task), hint], data);
				});
			}),
	);
}
