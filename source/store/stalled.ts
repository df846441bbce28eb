import type {Task} from '../mailbox/task.ts';
import {stallOf} from '../mailbox/tasks/stall.ts';
import {stepsOf} from './select.ts';
import type {State} from './state.ts';

/** The maximum depth of plans within plans. */
const maxDepth = 8;

/** Why nothing happens to an open plan; null if something does, and for any other task. `now`: milliseconds since 1970. */
export function stalledBy(state: State, task: Task, now: number): string | null {
	if (task.status !== 'queued') return null;
	const leaves = leavesOf(state, task.id, 0);
	if (leaves.length === 0) return null;
	return stallOf(leaves, {agents: state.agents.values(), statusOf: id => state.tasks.get(id)?.status, now});
}

function leavesOf(state: State, id: number, depth: number): Task[] {
	if (depth >= maxDepth) return [];
	return stepsOf(state, id).flatMap(step => {
		const below = leavesOf(state, step.id, depth + 1);
		return below.length === 0 ? [step] : below;
	});
}
