import {claimObstacle, type Obstacle} from '../../mailbox/tasks/claim-obstacle.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import {listed} from './listed.ts';

export async function findTask(mailbox: Mailbox, id: number): Promise<Task | null> {
	const [task] = await mailbox.tasks.list({ids: [id]});
	return task ?? null;
}

export function noSuchTask(id: number): MailboxError {
	return new MailboxError('not_found', `There is no task #${id}.`, 'list_tasks shows the tasks.');
}

const remedies: {readonly [Kind in Exclude<Obstacle['kind'], 'plan'>]: string} = {
	own: 'Continue with it: task_progress reports, finish_task ends it.',
	held: 'Leave it to its owner; use claim_task without an id to claim the next one.',
	over: 'It cannot be claimed any more; list_tasks shows open tasks.',
	assigned: 'Leave it, and claim another.',
	blocked: 'Cancel one of these tasks, or ask their author to.',
	waits: 'Claim it when those are done, or claim another.',
	later: 'Claim it then, or claim another.',
	passing: 'Try once more.',
};

/** Why a task cannot be claimed, and what to do instead. */
export async function whyNotClaimed(mailbox: Mailbox, id: number, me: Tag): Promise<MailboxError> {
	const obstacle = await claimObstacle(mailbox.tasks, id, me);
	if (obstacle === null) return noSuchTask(id);
	const {kind, sentence, queued} = obstacle;
	if (kind !== 'plan') return new MailboxError('conflict', sentence, remedies[kind]);
	const which = queued.length === 0 ? 'list_tasks shows them.' : `Queued: ${listed(queued)}.`;
	return new MailboxError('conflict', sentence, which);
}
