import {z} from 'zod';
import {notice} from '../../quotation/agent-text.ts';
import {taskLines} from '../answers/task-lines.ts';
import {idSchema, leaseSchema, plainText} from '../arguments/common.ts';
import type {Claims} from '../session/claims.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function taskProgress(session: Session, claims: Claims): Tool {
	return defineTool(
		{
			name: 'task_progress',
			title: 'Report progress on a task',
			description: 'Reports progress.',
			input: {
				id: idSchema,
				progress: z.number().min(0).max(1).describe('0 to 1'),
				note: plainText(10_000).optional(),
				lease_seconds: leaseSchema.optional(),
				token: idSchema.optional(),
			},
			idempotent: true,
		},
		async ({id, progress, note, lease_seconds, token}) => {
			const mailbox = await session.mailbox();
			return claims.using(mailbox, id, token, async claim => {
				const seconds = lease_seconds ?? claim.lease;
				// Renew the lease first, so that the work can continue even if the report fails.
				await mailbox.tasks.heartbeat(id, claim.token, seconds);
				const task = await mailbox.tasks.progress(id, claim.token, progress, note);
				claims.keep(task, seconds);
				const yours = `It is yours while you are at work, and ${seconds} seconds longer.`;
				return [`Recorded. ${notice}`, ...taskLines(task), yours];
			});
		},
	);
}
