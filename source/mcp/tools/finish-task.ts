import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import type {Json} from '../../mailbox/json.ts';
import type {Task, TaskOutcome} from '../../mailbox/task.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import {tokenSchema} from './claim-task.ts';
import type {Claims} from '../session/claims.ts';
import type {Session} from '../session/session.ts';
import {plainText} from '../answers/plain-text.ts';
import {anyObject, briefTask, taskId, taskLines, taskSchema} from '../answers/task-data.ts';

export function registerFinishTask(server: McpServer, session: Session, claims: Claims): void {
	server.registerTool(
		'finish_task',
		{
			title: 'Finish a task',
			description:
				'Ends your claim on a task: as done, with its result, or with ok: false as failed, with the reason. A failed task ' +
				'is tried again later, by any agent that claims it, until its attempts are used up. Calling it again with the same ' +
				'outcome changes nothing.',
			inputSchema: z.strictObject({
				id: taskId,
				ok: z.boolean().default(true).describe('False if it could not be done.'),
				reason: plainText(10_000).optional().describe('With ok: false: what went wrong, for the next attempt.'),
				result: anyObject
					.optional()
					.describe('The result as a JSON object, e.g. {"commit": "abc123"}; others read it with list_tasks.'),
				result_table: plainText(200).optional().describe('The table with the result, if that is rows.'),
				lease_token: tokenSchema,
			}),
			outputSchema: {notice: z.string(), task: taskSchema, hint: z.string()},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false},
		},
		({id, ok, reason, result, result_table, lease_token}) =>
			answering(async () => {
				if (!ok && reason === undefined) {
					throw new MailboxError(
						'invalid',
						'A failed task needs a reason.',
						'Say in `reason` what went wrong, for the next attempt.',
					);
				}
				const mailbox = await session.mailbox();
				const outcome: TaskOutcome = {
					ok,
					...(result === undefined ? {} : {result: result as Json}),
					...(result_table === undefined ? {} : {result_table}),
					...(reason === undefined || ok ? {} : {error: reason}),
				};
				const task = await claims.using(mailbox, id, lease_token, ({token}) =>
					mailbox.tasks.finish(id, token, outcome),
				);
				claims.finish(task);
				const hint = hintFor(task);
				return answer([`Recorded. ${notice}`, ...taskLines(task), hint], {notice, task: briefTask(task), hint});
			}),
	);
}

function hintFor({status, attempts, max_attempts, run_at, message_id}: Task): string {
	const asked =
		message_id === null
			? ''
			: ` Message #${message_id} asked for it: to tell its author, use send_message with reply_to ${message_id}.`;
	if (status === 'queued') {
		return `It failed, and will be tried again after ${run_at ?? 'somebody claims it'} (attempt ${attempts} of ${max_attempts}).`;
	}
	if (status === 'dead') return `All ${max_attempts} attempts failed, so it will not be tried again.${asked}`;
	return `Use claim_task to claim the next one.${asked}`;
}
