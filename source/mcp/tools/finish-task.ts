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
import {anyObject, taskAtAGlance, taskId, taskLines, taskSchema} from '../answers/task-data.ts';

export function registerFinishTask(server: McpServer, session: Session, claims: Claims): void {
	server.registerTool(
		'finish_task',
		{
			title: 'Finish a task',
			description:
				'Ends your claim on a task: done, with its result, or with ok: false failed, with the reason. What failed is tried ' +
				'again later, by whoever claims it then, until its attempts are used up. Calling it again with the same outcome ' +
				'changes nothing.',
			inputSchema: z.strictObject({
				id: taskId,
				ok: z.boolean().default(true).describe('False: it could not be done.'),
				reason: plainText(10_000).optional().describe('With ok: false: what went wrong, for whoever tries next.'),
				result: anyObject
					.optional()
					.describe(
						'What came of it, as a JSON object, e.g. {"commit": "abc123"}; for others to read with list_tasks.',
					),
				result_table: plainText(200).optional().describe('The table that holds the result, where it is rows.'),
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
						'A task that failed needs a reason.',
						'Say in `reason` what went wrong: whoever tries next reads it.',
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
				return answer([`Recorded. ${notice}`, ...taskLines(task), hint], {notice, task: taskAtAGlance(task), hint});
			}),
	);
}

function hintFor({status, attempts, max_attempts, run_at, message_id}: Task): string {
	const asked =
		message_id === null
			? ''
			: ` It was asked for in message #${message_id}: send_message with reply_to ${message_id} tells who asked.`;
	if (status === 'queued') {
		return `It failed, and waits until ${run_at ?? 'somebody claims it'} to be tried again (attempt ${attempts} of ${max_attempts}).`;
	}
	if (status === 'dead') return `It failed in all ${max_attempts} attempts, and is not tried again.${asked}`;
	return `claim_task takes the next one.${asked}`;
}
