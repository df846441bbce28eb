import {presenceOf, presences, type Agent} from '../mailbox/agent.ts';
import type {Message} from '../mailbox/message.ts';
import {foldTag, sameTag, type Tag} from '../mailbox/tag.ts';
import type {Task, TaskStatus} from '../mailbox/task.ts';
import {stallOf} from '../mailbox/tasks/stall.ts';
import {statusOf as standingStatus} from '../mailbox/tasks/task-standing.ts';
import {treeOf, type ThreadEntry} from '../mailbox/thread.ts';
import {inboxFeed, isAddressedTo, threadFeed} from './state/feed.ts';
import {loadedOf, windowOf} from './loaded.ts';
import type {State} from './state/state.ts';

const none: readonly Message[] = [];

/** The messages of a channel within the window, by id. */
export function channelMessages(state: State, tag: Tag): readonly Message[] {
	return windowOf(state, foldTag(tag));
}

/** How many loaded replies the thread of this root has. */
export function replyCount(state: State, root: number): number {
	const known = new Set<number>();
	for (const {messages} of state.scrollbacks.values())
		for (const id of repliesIn(messages).get(root) ?? []) known.add(id);
	const recent = windowOf(state, threadFeed(root));
	return known.size + (recent[0]?.id === root ? recent.length - 1 : recent.length);
}

const replies = new WeakMap<readonly Message[], ReadonlyMap<number, readonly number[]>>();

/** Maps each root to the ids of its replies in a list; cached for each list. */
function repliesIn(messages: readonly Message[]): ReadonlyMap<number, readonly number[]> {
	let known = replies.get(messages);
	if (known === undefined) {
		const ids = new Map<number, number[]>();
		for (const {id, thread_id: root} of messages) {
			if (id === root) continue;
			const list = ids.get(root);
			if (list === undefined) ids.set(root, [id]);
			else list.push(id);
		}
		replies.set(messages, (known = ids));
	}
	return known;
}

/** The loaded messages of a thread, by id. */
export function threadMessages(state: State, root: number): readonly Message[] {
	const {scrollback, recent} = loadedOf(state, threadFeed(root));
	if (scrollback.length === 0) return recent;
	return recent.length === 0 ? scrollback : [...scrollback, ...recent];
}

/** How many threads' trees are cached. */
const maxTrees = 8;
const trees = new Map<
	number,
	{readonly scrollback: unknown; readonly recent: unknown; readonly tree: readonly ThreadEntry[]}
>();

/** The thread as a tree, depth first: each reply below the message that it replies to. Cached until a message is added. */
export function threadTree(state: State, root: number): readonly ThreadEntry[] {
	const {scrollback, recent} = loadedOf(state, threadFeed(root));
	const known = trees.get(root);
	if (known !== undefined && known.scrollback === scrollback && known.recent === recent) return known.tree;
	const tree = treeOf(threadMessages(state, root), root);
	if (trees.size >= maxTrees) trees.clear();
	trees.set(root, {scrollback, recent, tree});
	return tree;
}

/** The messages that mention the identity and that it has not acked. */
export function waitingForMe(state: State): readonly Message[] {
	const {identity} = state;
	if (identity === null) return none;
	return windowOf(state, inboxFeed).filter(message => isWaitingFor(state, message, identity.tag));
}

export function isWaitingFor(state: State, message: Message, reader: Tag): boolean {
	if (!isAddressedTo(message, reader)) return false;
	const receipt = state.receipts.get(message.id)?.find(each => sameTag(each.reader, reader));
	return receipt?.state !== 'acked';
}

/** The maximum depth of plans within plans. */
const maxDepth = 8;

/** The status of a task; that of a plan follows from its steps. */
export function statusOf(state: State, task: Task, depth = 0): TaskStatus {
	if (task.status !== 'queued') return task.status;
	if (depth >= maxDepth) return task.status;
	const steps = stepsOf(state, task.id).map(step => statusOf(state, step, depth + 1));
	return standingStatus(task, steps);
}

/** Tasks with one of the statuses, without steps: running ones by id, queued ones in the order of claims, others by latest change. */
export function tasksByStatus(state: State, ...statuses: readonly TaskStatus[]): Task[] {
	const tasks = [...state.tasks.values()].filter(
		task => !isStep(state, task) && statuses.includes(statusOf(state, task)),
	);
	if (statuses.includes('running')) return tasks.sort((one, other) => one.id - other.id);
	if (statuses.includes('queued'))
		return tasks.sort((one, other) => other.priority - one.priority || one.id - other.id);
	return tasks.sort((one, other) => (one.updated_at < other.updated_at ? 1 : -1));
}

function isStep({tasks}: State, {parent_id}: Task): boolean {
	return parent_id !== null && tasks.has(parent_id);
}

const noSteps: readonly Task[] = [];
const stepsByParent = new WeakMap<State['tasks'], ReadonlyMap<number | null, readonly Task[]>>();

/** The steps of one task, in their order. */
export function stepsOf({tasks}: State, parent: number): readonly Task[] {
	let steps = stepsByParent.get(tasks);
	if (steps === undefined) {
		const inOrder = [...tasks.values()].sort((one, other) => one.position - other.position || one.id - other.id);
		stepsByParent.set(tasks, (steps = Map.groupBy(inOrder, task => task.parent_id)));
	}
	return steps.get(parent) ?? noSteps;
}

/** Why nothing happens to an open plan; null if something does, and for any other task. `now`: milliseconds since 1970. */
export function stalledBy(state: State, task: Task, now: number): string | null {
	if (task.status !== 'queued') return null;
	const leaves = leavesOf(state, task.id, 0);
	if (leaves.length === 0) return null;
	return stallOf(leaves, {agents: state.agents.values(), taskOf: id => state.tasks.get(id), now});
}

/** The plans to which nothing happens. */
export function stalledPlans(state: State, now: number): Task[] {
	return tasksByStatus(state, 'running', 'queued').filter(task => stalledBy(state, task, now) !== null);
}

function leavesOf(state: State, id: number, depth: number): Task[] {
	if (depth >= maxDepth) return [];
	return stepsOf(state, id).flatMap(step => {
		const below = leavesOf(state, step.id, depth + 1);
		return below.length === 0 ? [step] : below;
	});
}

/** Agents that were not revoked: those at work first, those that are gone last, then by tag. */
export function agentList(state: State, now: number): Agent[] {
	const order = (agent: Agent): number => [...presences, 'gone'].indexOf(presenceOf(agent, now));
	return [...state.agents.values()]
		.filter(({revoked_at}) => revoked_at === null)
		.sort((one, other) => order(one) - order(other) || (foldTag(one.tag) < foldTag(other.tag) ? -1 : 1));
}

const owned = new WeakMap<State['tasks'], ReadonlyMap<string, Task>>();

/** The running task that a tag owns; if there are several, the one that changed last. */
export function runningTaskOf({tasks}: State, tag: Tag): Task | undefined {
	let running = owned.get(tasks);
	if (running === undefined) {
		const found = new Map<string, Task>();
		for (const task of [...tasks.values()].sort((one, other) => (one.updated_at < other.updated_at ? -1 : 1))) {
			if (task.status === 'running' && task.lease_owner !== null) found.set(foldTag(task.lease_owner), task);
		}
		owned.set(tasks, (running = found));
	}
	return running.get(foldTag(tag));
}

/** The newest message that the tag wrote, searching the newest `searched` messages of its channel in the window. */
export function lastWrittenBy(state: State, tag: Tag, searched = 200): Message | undefined {
	const messages = channelMessages(state, tag);
	for (let at = messages.length - 1; at >= Math.max(0, messages.length - searched); at--) {
		const message = messages[at];
		if (message !== undefined && sameTag(message.tag, tag)) return message;
	}
	return undefined;
}
