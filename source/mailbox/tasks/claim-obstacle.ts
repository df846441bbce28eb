import type {Mailbox} from '../mailbox.ts';
import {sameTag, type Tag} from '../tag.ts';
import {blockedForEver, waitOf, type Task} from '../task.ts';
import {standingSentence} from './task-standing.ts';

/** Why a task cannot be claimed. */
export interface Obstacle {
	readonly kind: 'own' | 'held' | 'over' | 'plan' | 'assigned' | 'blocked' | 'waits' | 'later' | 'passing';
	/** The reason, in one sentence. */
	readonly sentence: string;
	/** For a plan, its queued steps, by id. */
	readonly queued: readonly number[];
}

/** Why `me` could not claim a task; null if there is no such task. */
export async function claimObstacle(
	board: Pick<Mailbox['tasks'], 'list'>,
	id: number,
	me: Tag,
	now = Date.now(),
): Promise<Obstacle | null> {
	const [task] = await board.list({ids: [id]});
	if (task === undefined) return null;
	if (task.status !== 'queued') return ofBegun(task, me);
	const steps = await board.list({parents: [id], limit: 100});
	if (steps.length > 0) {
		const queued = steps.filter(({status}) => status === 'queued').map(step => step.id);
		const sentence = `Task #${id} is a plan: its steps are claimed, not the plan.`;
		return {kind: 'plan', sentence, queued: queued.toSorted((one, other) => one - other)};
	}
	const needed = task.depends_on.length === 0 ? [] : await board.list({ids: task.depends_on, limit: 100});
	return ofQueued(task, needed, me, now);
}

function obstacle(kind: Obstacle['kind'], sentence: string): Obstacle {
	return {kind, sentence, queued: []};
}

function ofBegun(task: Task, me: Tag): Obstacle {
	if (task.status !== 'running') return obstacle('over', standingSentence(task));
	return task.lease_owner !== null && sameTag(task.lease_owner, me)
		? obstacle('own', `${standingSentence(task)} That is you.`)
		: obstacle('held', standingSentence(task));
}

function ofQueued(task: Task, needed: readonly Task[], me: Tag, now: number): Obstacle {
	const {id, assignee, run_at} = task;
	if (assignee !== null && !sameTag(assignee, me)) {
		return obstacle('assigned', `Task #${id} is for ${assignee} only.`);
	}
	const blocked = blockedForEver(task);
	if (blocked !== null) return obstacle('blocked', `Task #${id} is ${blocked}.`);
	const waits = needed.filter(({status}) => status !== 'done').map(other => `#${other.id} (${other.status})`);
	if (waits.length > 0) return obstacle('waits', `Task #${id} waits for ${waits.join(', ')}.`);
	if (waitOf(task, now) > 0) return obstacle('later', `Task #${id} cannot be claimed before ${run_at}.`);
	return obstacle('passing', `Task #${id} was just being claimed or changed.`);
}
