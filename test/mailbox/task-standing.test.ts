import {describe, expect, test} from 'vitest';
import {claimObstacle} from '../../source/mailbox/tasks/claim-obstacle.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Task} from '../../source/mailbox/task.ts';
import {
	briefStanding,
	listStanding,
	standing,
	standingIn,
	standingSentence,
	statusOf,
} from '../../source/mailbox/tasks/task-standing.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const mailbox = (): Mailbox => memoryMailbox(new MemoryServer(), {tag: 'CLAUDE_1'});

describe('a plan', () => {
	test.each([
		[[], 'queued'],
		[['queued', 'queued'], 'queued'],
		[['cancelled', 'queued'], 'queued'],
		[['running', 'queued'], 'running'],
		[['queued', 'done'], 'running'],
		[['failed'], 'running'],
	] as const)('with steps that are %j is %s', (steps, status) => {
		expect(statusOf({status: 'queued'}, steps)).toBe(status);
		expect(statusOf({status: 'done'}, steps)).toBe('done');
	});

	test('is running in every list once a step of it, or of a plan in it, was begun', async () => {
		const {tasks} = mailbox();
		await tasks.plan({title: 'outer'}, [{title: 'inner'}, {title: 'later'}], true);
		await tasks.add({title: 'deep', parent_id: 2, position: 1});
		await tasks.plan({title: 'waiting'}, [{title: 'its step'}], true);
		await tasks.add({title: 'single'});
		const statuses = async () =>
			Object.fromEntries((await listStanding(tasks)).map(({title, status}) => [title, status]));
		expect(new Set(Object.values(await statuses()))).toEqual(new Set(['queued']));
		await tasks.claim({id: 4});
		expect(await statuses()).toEqual({
			outer: 'running',
			inner: 'running',
			deep: 'running',
			later: 'queued',
			waiting: 'queued',
			'its step': 'queued',
			single: 'queued',
		});
		const idsOf = async (...status: Task['status'][]) =>
			(await listStanding(tasks, {status})).map(({id}) => id).sort((one, other) => one - other);
		expect(await idsOf('running')).toEqual([1, 2, 4]);
		expect(await idsOf('queued')).toEqual([3, 5, 6, 7]);
		expect(await idsOf('queued', 'running')).toEqual([1, 2, 3, 4, 5, 6, 7]);
		expect(await listStanding(tasks, {status: ['running'], limit: 2})).toHaveLength(2);
		expect((await listStanding(tasks, {status: ['running'], owner: 'CLAUDE_1'})).map(({id}) => id)).toEqual([4]);
	});
});

test('the words for the status of a task', async () => {
	const {tasks} = mailbox();
	const added = await tasks.add({title: 'a', max_attempts: 2});
	expect([briefStanding(added), standing(added, []), standingSentence(added)]).toEqual([
		'queued',
		'queued',
		'Task #1 is queued.',
	]);
	await tasks.claim({id: 1});
	const running = await tasks.progress(1, 1, 0.5);
	expect([briefStanding(running), standing(running, [], '50%')]).toEqual([
		'running 50%',
		'running 50%, attempt 1 of 2',
	]);
	expect(standingSentence(running)).toMatch(/^Task #1 is running: CLAUDE_1 has it until \d{4}-.*Z\.$/);
	const failed = await tasks.finish(1, 1, {ok: false, error: 'x'});
	expect(standing(failed, [])).toBe('queued, attempt 2 of 2');
	expect(standing({...failed, status: 'dead', attempts: 2}, [])).toBe('dead after 2 attempts');
	const blocked: Task = {...failed, last_error: 'blocked for ever: #1 waits for #1'};
	expect([briefStanding(blocked), standing(blocked, [])]).toEqual([blocked.last_error, 'blocked for ever']);
	const plan = await tasks.add({title: 'plan'});
	const steps = (['done', 'running', 'cancelled'] as const).map(status => ({status}));
	expect(standing(plan, steps, '40%')).toBe('running 40%, 1 of 2 steps done');
	expect(await standingIn(tasks, [plan])).toEqual([plan]);
});

test('the reason why a task cannot be claimed', async () => {
	const server = new MemoryServer();
	const {tasks} = memoryMailbox(server, {tag: 'CLAUDE_1'});
	const other = memoryMailbox(server, {tag: 'CLAUDE_2'});
	const obstacle = async (id: number) => claimObstacle(tasks, id, 'claude_1');
	expect(await obstacle(9)).toBeNull();
	await tasks.add({title: 'free'});
	expect(await obstacle(1)).toMatchObject({kind: 'passing'});
	await other.tasks.claim({id: 1});
	expect(await obstacle(1)).toMatchObject({kind: 'held', sentence: expect.stringContaining('CLAUDE_2 has it until')});
	await tasks.plan({title: 'plan'}, [{title: 'one'}, {title: 'two'}], true);
	expect(await obstacle(2)).toMatchObject({kind: 'plan', queued: [3, 4]});
	expect(await obstacle(4)).toMatchObject({kind: 'waits', sentence: 'Task #4 waits for #3 (queued).'});
	await tasks.claim({id: 3});
	expect(await obstacle(3)).toMatchObject({kind: 'own'});
	await tasks.add({title: 'later', run_at: '2999-01-01T00:00:00.000Z'});
	expect(await obstacle(5)).toMatchObject({kind: 'later'});
	await tasks.add({title: 'theirs', assignee: 'CLAUDE_2'});
	expect(await obstacle(6)).toMatchObject({kind: 'assigned', sentence: 'Task #6 is for CLAUDE_2 only.'});
	await tasks.cancel(6);
	expect(await obstacle(6)).toMatchObject({kind: 'over', sentence: 'Task #6 is cancelled.'});
});
