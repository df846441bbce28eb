import type {Agent} from '../../mailbox/agent.ts';
import type {RemovedRow} from '../../mailbox/event.ts';
import type {Receipt} from '../../mailbox/receipt.ts';
import {foldTag} from '../../mailbox/tag.ts';
import type {Task} from '../../mailbox/task.ts';
import type {State} from './state.ts';
import {loadedCount, loadedOnly} from './window.ts';

// The rows of the other tables that are known: tasks, agents and receipts.

/** The maximum number of milliseconds by which a row that was read can be older than an event that overtook it. */
const overtaking = 10_000;

/** Whether a row was read before the known one. If it is much older, the server's clock was set back, and the row is newer. */
function isOvertaken({updated_at}: Task, known: Task): boolean {
	const behind = Date.parse(known.updated_at) - Date.parse(updated_at);
	return behind > 0 && behind < overtaking;
}

/** The maximum number of tasks. Beyond it, finished tasks are forgotten, oldest change first. */
const maxTasks = 1000;

/** Replaces the known rows of tasks, unless they overtook these. */
export function withTasks(tasks: State['tasks'], incoming: readonly Task[]): State['tasks'] {
	const next = new Map(tasks);
	for (const task of incoming) {
		const known = next.get(task.id);
		if (known === undefined || !isOvertaken(task, known)) next.set(task.id, task);
	}
	if (next.size <= maxTasks) return next;
	const over = [...next.values()]
		.filter(({status}) => status !== 'queued' && status !== 'running')
		.sort((one, other) => (one.updated_at < other.updated_at ? -1 : 1))
		.slice(0, next.size - maxTasks);
	for (const {id} of over) next.delete(id);
	return next;
}

/** Replaces the known rows of agents. */
export function withAgents(agents: State['agents'], incoming: readonly Agent[]): State['agents'] {
	const next = new Map(agents);
	for (const agent of incoming) next.set(foldTag(agent.tag), agent);
	return next;
}

/** Forgets a row that was deleted. */
export function withoutRow(state: State, row: RemovedRow): State {
	if (row.table === 'receipts') return {...state, receipts: state.receipts.without(row)};
	if (row.table === 'agents') return {...state, agents: withoutKey(state.agents, foldTag(row.tag))};
	return {...state, tasks: withoutKey(state.tasks, row.id)};
}

function withoutKey<Key, Value>(known: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
	const next = new Map(known);
	next.delete(key);
	return next;
}

/** How many messages that are not loaded may have receipts: search results, and messages acked long after they left the window. */
const maxOtherReceipts = 1000;

/** Adds receipts. When there are too many, those of messages that are not loaded are forgotten. */
export function withReceipts(state: State, incoming: readonly Receipt[]): State {
	if (incoming.length === 0) return state;
	const next = state.receipts.with(incoming);
	const receipts = next.size > loadedCount(state) + maxOtherReceipts ? loadedOnly(next, state) : next;
	return {...state, receipts};
}
