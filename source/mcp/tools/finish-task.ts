import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import type {Json} from '../../mailbox/json.ts';
import type {Task, TaskOutcome} from '../../mailbox/task.ts';
import {notice} from '../../quotation/agent-text.ts';
import {taskLines} from '../answers/task-lines.ts';
import {anyObject, idSchema, plainText} from '../arguments/common.ts';
import type {Claims} from '../session/claims.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function finishTask(session: Session, claims: Claims): Tool {
	return defineTool(
		{
			name: 'finish_task',
			title: 'Finish a task',
			description: 'Ends a claimed task, done or not ok.',
			input: {
				id: idSchema,
				ok: z.boolean().default(true),
				reason: plainText(10_000).optional().describe('why it failed'),
				result: anyObject.optional(),
				result_table: plainText(200).optional(),
				token: idSchema.optional(),
			},
			idempotent: true,
		},
		async ({id, ok, reason, result, result_table, token: named}) => {
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
			const task = await claims.using(mailbox, id, named, ({token}) => mailbox.tasks.finish(id, token, outcome));
			claims.finish(task);
			return [`Recorded. ${notice}`, ...taskLines(task), nextStep(task)];
		},
	);
}

function nextStep({status, attempts, max_attempts, run_at, message_id}: Task): string {
	if (status === 'queued') {
		return `It failed, and will be tried again after ${run_at ?? 'somebody claims it'} (attempt ${attempts} of ${max_attempts}).`;
	}
	const asked =
		message_id === null
			? ''
			: `Message #${message_id} asked for it: send_message with reply_to ${message_id} tells its author.`;
	if (status === 'dead') return `All ${max_attempts} attempts failed, so it will not be tried again. ${asked}`.trim();
	return asked === '' ? 'claim_task claims the next one.' : asked;
}
