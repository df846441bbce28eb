import {goneAt, type Agent} from '../mailbox/agent.ts';
import type {AgentState, StateChange} from '../mailbox/state-change.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';
import type {Task, TaskStatus} from '../mailbox/task.ts';
import {firstFrom} from './mark.ts';

/** A state from a moment until the next step. `unknown`: it existed, but its state was not recorded. */
interface Step<State> {
	/** Milliseconds since 1970. */
	readonly at: number;
	readonly state: State | 'unknown';
}

export interface TaskStep extends Step<TaskStatus> {
	/** The task's owner; after its end, its last owner. */
	readonly tag: Tag | null;
	/** 0 to 1. */
	readonly progress: number;
}

type AgentStep = Step<AgentState>;

/** Every task and agent with its steps, by time. */
export interface Replay {
	readonly tasks: ReadonlyMap<number, readonly TaskStep[]>;
	/** By folded tag. */
	readonly agents: ReadonlyMap<string, readonly AgentStep[]>;
}

interface Rows {
	readonly tasks: Iterable<Task>;
	readonly agents: Iterable<Agent>;
}

/**
 * Reconstructs the states of tasks and agents from the recorded changes, in any order, and from the rows, which are valid at least
 * since their latest change. The time between a row's creation and its first known state is `unknown`.
 */
export function replay(changes: readonly StateChange[], rows: Rows): Replay {
	const tasks = new Map<number, TaskStep[]>();
	const agents = new Map<string, AgentStep[]>();
	for (const change of changes) {
		const at = Date.parse(change.at);
		if (change.kind === 'task') {
			const {task_id, state, tag, progress} = change;
			listIn(tasks, task_id).push({at, state, tag, progress});
		} else listIn(agents, foldTag(change.tag)).push({at, state: change.state});
	}
	for (const task of rows.tasks) {
		const steps = listIn(tasks, task.id);
		const known = steps.toSorted(inTime).at(-1);
		const tag = task.lease_owner ?? known?.tag ?? null;
		steps.push({at: Date.parse(task.updated_at), state: task.status, tag, progress: task.progress});
		const began = Date.parse(task.created_at);
		if (earliest(steps) > began + tolerance) steps.push({at: began, state: 'unknown', tag: null, progress: 0});
	}
	for (const agent of rows.agents) {
		const steps = listIn(agents, foldTag(agent.tag));
		const seen = Date.parse(agent.last_seen_at ?? agent.joined_at);
		const gone = goneAt(agent);
		const revoked = agent.revoked_at === null ? Infinity : Date.parse(agent.revoked_at);
		steps.push({at: seen, state: agent.presence});
		if (gone !== null && gone < revoked) steps.push({at: gone, state: 'gone'});
		if (revoked < Infinity) steps.push({at: revoked, state: 'revoked'});
		const joined = Date.parse(agent.joined_at);
		if (earliest(steps) > joined + tolerance) steps.push({at: joined, state: 'unknown'});
	}
	for (const steps of [...tasks.values(), ...agents.values()]) (steps as Array<{readonly at: number}>).sort(inTime);
	return {tasks, agents};
}

/** The maximum number of milliseconds between a row's creation and its first recorded change in the same transaction. */
const tolerance = 50;

/** The step at a moment (milliseconds since 1970); null if it did not exist yet. */
export function stepAt<S extends {readonly at: number}>(steps: readonly S[] | undefined, moment: number): S | null {
	if (steps === undefined) return null;
	return steps[firstFrom(steps, moment + 1) - 1] ?? null;
}

function earliest(steps: readonly {readonly at: number}[]): number {
	return steps.reduce((least, {at}) => Math.min(least, at), Infinity);
}

function inTime(one: {readonly at: number}, other: {readonly at: number}): number {
	return one.at - other.at;
}

function listIn<Key, Item>(lists: Map<Key, Item[]>, key: Key): Item[] {
	let list = lists.get(key);
	if (list === undefined) lists.set(key, (list = []));
	return list;
}
