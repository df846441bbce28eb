import {expect, test} from 'vitest';
import type {Agent} from '../../source/mailbox/agent.ts';
import type {Task} from '../../source/mailbox/task.ts';
import {heldSentence} from '../../source/mailbox/tasks/held.ts';
import {stallOf, stallsAmong} from '../../source/mailbox/tasks/stall.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const now = Date.parse('2026-12-01T12:00:00Z');
const agent = (change: Partial<Agent> = {}): Agent => ({
	tag: 'EXECUTOR',
	kind: 'agent',
	role: null,
	presence: 'idle',
	joined_at: new Date(now).toISOString(),
	last_seen_at: new Date(now).toISOString(),
	revoked_at: null,
	sessions: 1,
	wake: 'bell',
	damped: null,
	groups: [],
	paused: null,
	focused: false,
	meta: {},
	...change,
});
const step = (id: number, change: Partial<Task> = {}): Task =>
	({
		id,
		status: 'queued',
		run_at: null,
		depends_on: [],
		priority: 0,
		assignee: null,
		updated_at: new Date(now - 60_000).toISOString(),
		...change,
	}) as Task;
const old = {updated_at: new Date(now - 11 * 60_000).toISOString()};
const mine = {assignee: 'executor'};

test.each<[string, Task[], Agent[], string | null]>([
	['is being worked on', [step(1, {status: 'running'}), step(2)], [], null],
	['waits for its back-off', [step(1, {run_at: new Date(now + 1000).toISOString()})], [], null],
	['waits for another task', [step(1, {depends_on: [9]})], [], null],
	['has ended', [step(1, {status: 'done'})], [], null],
	['has nobody to claim it', [step(1)], [], '#1 is ready, and no agent is there to claim it'],
	['has only a human', [step(1)], [agent({kind: 'human'})], '#1 is ready, and no agent is there to claim it'],
	['is for nobody who joined', [step(1, mine)], [], '#1 is ready, and executor, which it is for, has not joined'],
	[
		'is for one who is away',
		[step(1, {status: 'done'}), step(2, {...mine, depends_on: [1]})],
		[agent({presence: 'away'}), agent({tag: 'OTHER'})],
		'#2 is ready, and executor, which it is for, is away',
	],
	[
		'is for one who has not been woken for long, because it cannot be',
		[step(1, {...mine, ...old})],
		[agent({wake: null})],
		'#1 is ready, and executor, which it is for, cannot be woken',
	],
	['is about to be claimed', [step(1)], [agent()], null],
	[
		'has just become ready, though it was added long ago',
		[step(1, {status: 'done'}), step(2, {...old, depends_on: [1]})],
		[agent()],
		null,
	],
	['may be claimed by one who cannot be woken', [step(1)], [agent({wake: null})], null],
	['waits for one who is busy', [step(1, old)], [agent({presence: 'working'})], null],
	['is ignored', [step(2, {...old, priority: 1}), step(1, old)], [agent()], '#2 is ready, and nobody claims it'],
])('a plan that %s: %j', (_, steps, agents, why) => {
	expect(stallOf(steps, {agents, taskOf: id => steps.find(each => each.id === id), now})).toBe(why);
});

test('plans are looked at with all that is below them', async () => {
	const mailbox = memoryMailbox(new MemoryServer(), {tag: 'PLANNER'});
	await mailbox.touch({presence: 'working'});
	await mailbox.tasks.plan({title: 'outer', assignee: 'EXECUTOR'}, [{title: 'inner'}, {title: 'later'}], true);
	await mailbox.tasks.add({title: 'deep', parent_id: 2, position: 1});
	await mailbox.tasks.add({title: 'single', assignee: 'EXECUTOR'});
	expect(await stallsAmong(mailbox, await mailbox.tasks.list())).toEqual(
		new Map([[1, '#4 is ready, and EXECUTOR, which it is for, has not joined']]),
	);
});

test('what is held is named in one sentence', () => {
	const held = (count: number) => Array.from({length: count}, (_, at) => ({id: at + 1, progress: at / 10}));
	expect(heldSentence('You', held(1))).toBe('You hold #1 (0%).');
	expect(heldSentence('A', held(3))).toBe('A holds #1 (0%), #2 (10%) and #3 (20%).');
	expect(heldSentence('You', held(12))).toMatch(/#10 \(90%\) and 2 more\.$/);
});
