import {z} from 'zod';
import {pausedText, type Agent} from '../../mailbox/agent.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {nothingReady} from '../../mailbox/tasks/nothing-ready.ts';
import {heldSentence} from '../../mailbox/tasks/held.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {notice} from '../../quotation/agent-text.ts';
import {margin} from '../answers/room.ts';
import {attemptLines, taskLines, wholeTaskLines} from '../answers/task-lines.ts';
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
			description: 'Claims your next task, of that queue, or with that id.',
			input: {
				queue: queueSchema.optional(),
				id: idSchema.optional(),
				hold: z.number().int().min(1).max(20).default(1).describe('most at once'),
				lease_seconds: leaseSchema.default(defaultLease),
			},
		},
		async ({queue, id, hold, lease_seconds}, {room}) => {
			const mailbox = await session.mailbox();
			const which = {...(queue === undefined ? {} : {queue}), ...(id === undefined ? {hold} : {id})};
			const task = await mailbox.tasks.claim({lease: lease_seconds, ...which});
			if (task === null) {
				const own = (await mailbox.agents()).find(({tag}) => sameTag(tag, session.tag));
				if (own !== undefined && own.paused !== null)
					throw new MailboxError('conflict', 'You cannot claim anything now.', pausedText(own.paused));
				if (id !== undefined) throw await whyNotClaimed(mailbox, id, session.tag);
				return whyNone(mailbox, session.tag, hold, own);
			}
			claims.keep(task, lease_seconds);
			const yours =
				`Task #${task.id} is yours (token ${task.lease_token}) while you are at work, and ${lease_seconds} seconds longer. ` +
				'task_progress reports, at least every 6 hours; finish_task ends it.';
			const before = task.attempts > 1 ? attemptLines((await mailbox.tasks.attempts(task.id)).slice(0, -1)) : [];
			return [`Claimed. ${notice}`, ...wholeTaskLines(task, room - margin), ...before, yours];
		},
	);
}

/** What the agent has to finish first; or what the open tasks wait for. */
async function whyNone(mailbox: Mailbox, me: Tag, hold: number, own: Agent | undefined): Promise<string[]> {
	const held = (await mailbox.tasks.list({owner: me, status: ['running']})).toSorted((one, other) => one.id - other.id);
	if (held.length >= hold) return heldLines(held);
	const why = await nothingReady(mailbox.tasks, me);
	const ready =
		(own?.wake ?? null) !== null
			? ['When a task becomes ready while you are idle, a message wakes you: do not poll.']
			: [];
	return ['No task is ready for you.', ...why, ...ready];
}

function heldLines(held: readonly Task[]): string[] {
	const next = 'Finish it first: task_progress reports, finish_task ends it. A higher hold claims another one as well.';
	return [`${heldSentence('You', held)} ${notice}`, ...held.slice(0, 3).flatMap(task => taskLines(task)), next];
}
