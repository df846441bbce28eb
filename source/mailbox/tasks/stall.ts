import {presenceOf, type Agent} from '../agent.ts';
import type {Mailbox} from '../mailbox.ts';
import {sameTag} from '../tag.ts';
import {readySince, waitOf, type Task} from '../task.ts';
import {leavesBelow} from './leaves.ts';

/** Milliseconds for which a step may be ready without anybody claiming it. */
const patience = 10 * 60_000;

/** What is known beside the steps of a plan. */
interface Surroundings {
	readonly agents: Iterable<Agent>;
	/** Any task; undefined if it is not known. */
	readonly taskOf: (id: number) => Task | undefined;
	/** Milliseconds since 1970. */
	readonly now: number;
}

/**
 * Why nothing happens to a plan, although its turn has come: `#5 is ready, and EXECUTOR, which it is for, is away`. Null if it is
 * being worked on, waits for a time or for another task, or has ended. `steps`: the tasks below it that are no plans themselves.
 */
export function stallOf(steps: readonly Task[], {agents, taskOf, now}: Surroundings): string | null {
	if (steps.some(({status}) => status === 'running')) return null;
	const queued = steps.filter(({status}) => status === 'queued');
	if (queued.some(step => waitOf(step, now) > 0)) return null;
	const [ready] = queued
		.filter(({depends_on}) => depends_on.every(id => taskOf(id)?.status === 'done'))
		.sort((one, other) => other.priority - one.priority || one.id - other.id);
	if (ready === undefined) return null;
	const {id, assignee} = ready;
	const team = [...agents].filter(
		({kind, tag, revoked_at}) => kind === 'agent' && (assignee === null ? revoked_at === null : sameTag(assignee, tag)),
	);
	const [only] = team;
	if (assignee !== null) {
		const why = only === undefined ? 'has not joined' : absence(only, now);
		if (why !== null) return `#${id} is ready, and ${assignee}, which it is for, ${why}`;
	} else if (team.every(agent => absence(agent, now) !== null)) {
		return `#${id} is ready, and no agent is there to claim it`;
	}
	const isBusy = team.some(agent => ['working', 'blocked'].includes(presenceOf(agent, now)));
	if (isBusy || now < unclaimedAt(ready, taskOf)) return null;
	// It may have been at work all the same: a client without hooks does not report it.
	if (assignee !== null && only?.wake === null)
		return `#${id} is ready, and ${assignee}, which it is for, cannot be woken`;
	return `#${id} is ready, and nobody claims it`;
}

/** When a step that is ready has waited too long for somebody to claim it. Milliseconds since 1970. */
export function unclaimedAt(step: Task, taskOf: Surroundings['taskOf']): number {
	return readySince(step, taskOf) + patience;
}

/** Why plans among these tasks are stalled, by their ids. */
export async function stallsAmong(
	mailbox: Pick<Mailbox, 'agents'> & {readonly tasks: Pick<Mailbox['tasks'], 'list'>},
	tasks: readonly Task[],
	now = Date.now(),
): Promise<ReadonlyMap<number, string>> {
	const open = tasks.filter(
		({status, lease_owner, parent_id}) =>
			parent_id === null && lease_owner === null && (status === 'queued' || status === 'running'),
	);
	if (open.length === 0) return new Map();
	const leaves = await leavesBelow(
		mailbox.tasks,
		open.map(({id}) => id),
	);
	if (leaves.size === 0) return new Map();
	const known = new Map([...tasks, ...[...leaves.values()].flat()].map(task => [task.id, task]));
	const around = {agents: await mailbox.agents(), taskOf: (id: number) => known.get(id), now};
	return new Map(
		[...leaves].flatMap(([id, steps]) => {
			const why = stallOf(steps, around);
			return why === null ? [] : [[id, why] as const];
		}),
	);
}

/** Why an agent cannot be expected to claim anything; null if it may. */
function absence(agent: Agent, now: number): string | null {
	if (agent.revoked_at !== null) return 'is revoked';
	const presence = presenceOf(agent, now);
	if (presence === 'away' || presence === 'gone') return `is ${presence}`;
	return null;
}
