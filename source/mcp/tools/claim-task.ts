import type {Mailbox} from '../../mailbox/mailbox.ts';
import {notice} from '../../quotation/agent-text.ts';
import {margin} from '../answers/room.ts';
import {wholeTaskLines} from '../answers/task-lines.ts';
import {whyNotClaimed} from '../answers/task-standing.ts';
import {idSchema, leaseSchema, queueSchema} from '../arguments/common.ts';
import {defaultLease, type Claims} from '../session/claims.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function claimTask(session: Session, claims: Claims): Tool {
	return defineTool(
		{
			name: 'claim_task',
			title: 'Claim a task',
			description: 'Claims the next task of a queue, or one by id.',
			input: {
				queue: queueSchema.default('default'),
				id: idSchema.optional(),
				lease_seconds: leaseSchema.default(defaultLease),
			},
		},
		async ({queue, id, lease_seconds}, {room}) => {
			const mailbox = await session.mailbox();
			const task = await mailbox.tasks.claim({queue, lease: lease_seconds, ...(id === undefined ? {} : {id})});
			if (task === null) {
				if (id !== undefined) throw await whyNotClaimed(mailbox, id, session.tag);
				return [`No task is ready in queue ${queue}. ${await whereWorkIs(mailbox, queue)}`];
			}
			claims.keep(task, lease_seconds);
			const yours =
				`Task #${task.id} is yours (token ${task.lease_token}) while you are connected, and ${lease_seconds} seconds longer. ` +
				'task_progress reports, finish_task ends it.';
			return [`Claimed. ${notice}`, ...wholeTaskLines(task, room - margin), yours];
		},
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
