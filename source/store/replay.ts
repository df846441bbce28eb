import {goneAt, type Agent} from '../mailbox/agent.ts';
import type {AgentState, StateChange} from '../mailbox/state-change.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';
import type {Task, TaskStatus} from '../mailbox/task.ts';
import {firstFrom} from './mark.ts';

/** How something stood from a moment on; the next step ends it. `unknown`: it was there, and nobody wrote down how. */
interface Step<State> {
	/** Milliseconds since 1970. */
	readonly at: number;
	readonly state: State | 'unknown';
}

export interface TaskStep extends Step<TaskStatus> {
	/** While it runs its owner; after its end who owned it. */
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
 * How everything came to stand as it does: what was written down of it, in any order, then the row itself, which has stood so at
 * least since its latest change. What lies between a row's beginning and the first of these is unknown.
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
		if (earliest(steps) > began + atOnce) steps.push({at: began, state: 'unknown', tag: null, progress: 0});
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
		if (earliest(steps) > joined + atOnce) steps.push({at: joined, state: 'unknown'});
	}
	for (const steps of [...tasks.values(), ...agents.values()]) (steps as Array<{readonly at: number}>).sort(inTime);
	return {tasks, agents};
}

/** Milliseconds that may lie between a row's beginning and what was written down of it in the same breath. */
const atOnce = 50;

/** How it stood at a moment (milliseconds since 1970); null: it was not there yet. */
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
