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
			description: 'Ends a claimed task; cancels or retries one you added.',
			input: {
				id: idSchema,
				outcome: z
					.enum(['done', 'failed', 'dead', 'cancelled', 'retry'])
					.optional()
					.describe('failed: tried again; dead: for good'),
				ok: z.boolean().default(true).describe('false: failed'),
				reason: plainText(10_000).optional(),
				result: anyObject.optional(),
				result_table: plainText(200).optional(),
				token: idSchema.optional(),
			},
			idempotent: true,
		},
		async ({id, outcome: asked, ok, reason, result, result_table, token: named}) => {
			const how = asked ?? (ok ? 'done' : 'failed');
			if (how !== 'done' && reason === undefined) throw needsReason(how);
			const mailbox = await session.mailbox();
			if (how === 'cancelled' || how === 'retry') {
				const {tasks} = mailbox;
				const task = how === 'retry' ? await tasks.retry(id, reason) : await tasks.cancel(id, reason);
				return [`Recorded. ${notice}`, ...taskLines(task), 'Those concerned are told.'];
			}
			const outcome: TaskOutcome = {
				ok: how === 'done',
				...(how === 'dead' ? {dead: true} : {}),
				...(result === undefined ? {} : {result: result as Json}),
				...(result_table === undefined ? {} : {result_table}),
				...(reason === undefined || how === 'done' ? {} : {error: reason}),
			};
			const task = await claims.using(mailbox, id, named, ({token}) => mailbox.tasks.finish(id, token, outcome));
			claims.finish(task);
			return [`Recorded. ${notice}`, ...taskLines(task), nextStep(task)];
		},
	);
}

function needsReason(how: string): MailboxError {
	const [what, remedy] =
		how === 'cancelled' || how === 'retry'
			? [`Outcome ${how} needs a reason.`, 'Say in `reason` why, for those concerned.']
			: ['A failed task needs a reason.', 'Say in `reason` what went wrong, for the next attempt.'];
	return new MailboxError('invalid', what, remedy);
}

function nextStep({status, attempts, max_attempts, run_at, message_id}: Task): string {
	if (status === 'queued') {
		return `It failed, and will be tried again after ${run_at ?? 'somebody claims it'} (attempt ${attempts} of ${max_attempts}): an idle agent is woken for it then.`;
	}
	const asked =
		message_id === null
			? ''
			: `Message #${message_id} asked for it: send_message with reply_to ${message_id} tells its author.`;
	if (status === 'dead') {
		const why = attempts >= max_attempts ? `All ${max_attempts} attempts failed, so it` : 'It';
		return `${why} will not be tried again; its author and the human are told. ${asked}`.trim();
	}
	return asked === '' ? 'claim_task claims the next one.' : asked;
}
