import {MailboxError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {blockedForEver, waitOf, type Task} from '../mailbox/task.ts';
import {listed} from './listed.ts';

export async function findTask(mailbox: Mailbox, id: number): Promise<Task | null> {
	const [task] = await mailbox.tasks.list({ids: [id]});
	return task ?? null;
}

export function noSuchTask(id: number): MailboxError {
	return new MailboxError('not_found', `There is no task #${id}.`, 'list_tasks shows what there is.');
}

/** How a task stands, in one sentence. */
export function standing({id, status, lease_owner, lease_until}: Task): string {
	if (status !== 'running') return `Task #${id} is ${status}.`;
	return `Task #${id} is running: ${lease_owner ?? 'somebody'} has it until ${lease_until ?? 'it ends'}.`;
}

/** Why a task cannot be claimed, and what to do instead. */
export async function whyNotClaimed(mailbox: Mailbox, id: number, me: Tag): Promise<MailboxError> {
	const task = await findTask(mailbox, id);
	if (task === null) return noSuchTask(id);
	const refuse = (why: string, remedy: string): MailboxError => new MailboxError('conflict', why, remedy);
	if (task.status === 'running') {
		return task.lease_owner !== null && sameTag(task.lease_owner, me)
			? refuse(`${standing(task)} That is you.`, 'Go on with it: task_progress reports, finish_task ends it.')
			: refuse(standing(task), 'Leave it to its owner; claim_task without an id takes the next one.');
	}
	if (task.status !== 'queued') return refuse(standing(task), 'It is not claimed any more; list_tasks shows what is.');
	const steps = await mailbox.tasks.list({parents: [id], limit: 100});
	const open = steps.filter(({status}) => status === 'queued').map(step => step.id);
	if (steps.length > 0) {
		const which = open.length === 0 ? 'list_tasks shows them.' : `Queued are ${listed(open.toSorted(ascending))}.`;
		return refuse(`Task #${id} is a plan: its steps are claimed, not the plan.`, which);
	}
	if (task.assignee !== null && !sameTag(task.assignee, me)) {
		return refuse(`Task #${id} is for ${task.assignee} alone.`, 'Leave it, and take another.');
	}
	const blocked = blockedForEver(task);
	if (blocked !== null) {
		return refuse(`Task #${id} is ${blocked}.`, 'Cancel one of these tasks, or ask whoever added them to.');
	}
	const needed = task.depends_on.length === 0 ? [] : await mailbox.tasks.list({ids: task.depends_on, limit: 100});
	const waits = needed.filter(({status}) => status !== 'done').map(other => `#${other.id} (${other.status})`);
	if (waits.length > 0) {
		return refuse(`Task #${id} waits for ${waits.join(', ')}.`, 'Claim it when those are done, or take another.');
	}
	if (waitOf(task, Date.now()) > 0) {
		return refuse(`Task #${id} is not to be begun before ${task.run_at}.`, 'Claim it then, or take another.');
	}
	return refuse(`Task #${id} was being claimed or changed just now.`, 'Try once more.');
}

function ascending(one: number, other: number): number {
	return one - other;
}
