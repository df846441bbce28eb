import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
	type Caller,
	engines,
	human,
	type MigratedDatabase,
	owner,
	type Row,
	service,
	stranger,
} from '../helpers/migrated.ts';

const A = agent('A');
const B = agent('B');

describe.each(engines)('tasks on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const add = async (title: string, more = ''): Promise<number> => {
		const [row] = await database.as(A, `select id from task_add($1${more === '' ? '' : `, ${more}`})`, [title]);
		return row!['id'] as number;
	};
	const claim = async (caller: Caller = A, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_claim(${how})`))[0];
	const finish = async (caller: Caller, id: number, token: number, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_finish($1, $2${how === '' ? '' : `, ${how}`})`, [id, token]))[0];
	const read = async (id: number): Promise<Row> =>
		(await database.as(B, 'select * from tasks where id = $1', [id]))[0]!;
	const expire = (id: number) =>
		database.as(owner, `update tasks set lease_until = now() - interval '1 second' where id = $1`, [id]);
	const ready = (id: number) =>
		database.as(owner, `update tasks set run_at = now() - interval '1 second' where id = $1`, [id]);

	test('a task is added, claimed, reported on and finished by its owner', async () => {
		const id = await add('build', `p_body => 'all of it'`);
		expect(await read(id)).toMatchObject({
			title: 'build',
			body: 'all of it',
			queue: 'default',
			status: 'queued',
			created_by: 'A',
			progress: 0,
			depends_on: [],
			lease_owner: null,
		});
		expect(await claim(B)).toMatchObject({id, status: 'running', lease_owner: 'B', lease_token: 1, attempts: 1});
		expect(await claim(A)).toBeUndefined();
		expect(await database.as(B, `select progress, note from task_progress(1, 1, 0.5, 'half')`)).toEqual([
			{progress: 0.5, note: 'half'},
		]);
		expect(await finish(B, id, 1, `p_result => '{"ok":1}', p_result_table => 'reports'`)).toMatchObject({
			status: 'done',
			progress: 1,
			result: {ok: 1},
			result_table: 'reports',
			lease_owner: null,
			lease_until: null,
		});
		await expect(finish(B, id, 1)).rejects.toMatchObject({code: '55000'});
	});

	test('the owner is the token and never an argument', async () => {
		const id = await add('x');
		await claim(B);
		for (const call of ['task_heartbeat(1, 1)', 'task_progress(1, 1, 0.1)', 'task_finish(1, 1)']) {
			expect(await database.as(A, `select * from ${call}`)).toEqual([]);
			expect(await database.as(B, `select * from ${call.replace('1, 1', '1, 2')}`)).toEqual([]);
		}
		expect(await read(id)).toMatchObject({status: 'running', progress: 0});
		expect(await database.as(agent('b'), 'select status from task_finish(1, 1)')).toEqual([{status: 'done'}]);
	});

	test('without an identity, nothing can be claimed', async () => {
		await add('x');
		await expect(claim(owner)).rejects.toMatchObject({code: '42501', message: 'plain SQL has no identity'});
		await expect(claim(stranger)).rejects.toMatchObject({code: '42501', message: 'this token does not name an agent'});
		await expect(claim(service())).rejects.toMatchObject({
			code: '42501',
			message: 'this request does not say which tag it acts as',
		});
		await expect(claim(anon)).rejects.toMatchObject({code: '42501'});
		expect(await claim(service('S'))).toMatchObject({lease_owner: 'S'});
	});

	test('without an identity, nothing can be retried, assigned or reprioritised', async () => {
		await add('x');
		for (const call of ['task_retry(1)', `task_assign(1, 'A')`, 'task_reprioritise(1, 9)']) {
			await expect(database.as(stranger, `select * from ${call}`)).rejects.toMatchObject({code: '42501'});
			await expect(database.as(anon, `select * from ${call}`)).rejects.toMatchObject({code: '42501'});
		}
	});

	test('participants cannot write to the table itself; plain SQL and the service role can', async () => {
		for (const sql of [
			`insert into tasks (title) values ('x')`,
			`update tasks set status = 'done'`,
			'delete from tasks',
		]) {
			await expect(database.as(human(), sql)).rejects.toMatchObject({code: '42501'});
		}
		expect(await database.as(owner, `insert into tasks (title) values ('x') returning status, created_by`)).toEqual([
			{status: 'queued', created_by: null},
		]);
		expect(await database.as(service(), `insert into tasks (title) values ('x') returning id`)).toEqual([{id: 2}]);
	});

	test('a lease lasts as asked, between a second and an hour', async () => {
		await add('x');
		const lease = async (call: string): Promise<number> => {
			const [row] = await database.as(
				A,
				`select extract(epoch from lease_until - clock_timestamp())::float8 as seconds from ${call}`,
			);
			return row!['seconds'] as number;
		};
		expect(await lease('task_claim(p_lease => 100000)')).toBeGreaterThan(3590);
		expect(await lease('task_heartbeat(1, 1, 100000)')).toBeLessThanOrEqual(3600);
		expect(await lease('task_heartbeat(1, 1, 120)')).toBeLessThanOrEqual(120);
		expect(await lease('task_heartbeat(1, 1, -5)')).toBeGreaterThan(-5);
	});

	test('a task with an expired lease goes to the next claimer, and the late owner is refused', async () => {
		const id = await add('x');
		await claim(A);
		await expire(id);
		expect(await claim(B)).toMatchObject({
			id,
			lease_owner: 'B',
			lease_token: 2,
			attempts: 2,
			last_error: 'the lease of A ran out',
		});
		expect(await finish(A, id, 1)).toBeUndefined();
		expect(await database.as(A, 'select * from task_heartbeat(1, 1)')).toEqual([]);
		expect(await finish(B, id, 2)).toMatchObject({status: 'done', last_error: null});
	});

	test('an expired lease still holds while nobody has claimed the task', async () => {
		const id = await add('x');
		await claim(A);
		await expire(id);
		expect(await finish(A, id, 1)).toMatchObject({status: 'done'});
	});

	test('reap requeues tasks with expired leases, and ends them after the last attempt', async () => {
		const again = await add('again');
		const last = await add('last', 'p_max_attempts => 1');
		const held = await add('held');
		for (const id of [again, last, held]) await claim(A, `p_id => ${id}`);
		await expire(again);
		await expire(last);
		expect(await database.as(B, 'select task_reap()')).toEqual([{task_reap: 2}]);
		expect(await read(again)).toMatchObject({status: 'queued', lease_owner: null, lease_until: null});
		expect(await read(last)).toMatchObject({status: 'dead', last_error: 'the lease of A ran out'});
		expect(await read(held)).toMatchObject({status: 'running'});
		expect(await database.as(owner, 'select task_reap()')).toEqual([{task_reap: 0}]);
	});

	test('a failed task is tried again later, and is dead after the last attempt', async () => {
		const id = await add('x', 'p_max_attempts => 2');
		await claim(A);
		expect(await finish(A, id, 1, `p_ok => false, p_error => 'no luck'`)).toMatchObject({
			status: 'queued',
			last_error: 'no luck',
			progress: 0,
		});
		const [{wait}] = (await database.as(
			A,
			'select extract(epoch from run_at - clock_timestamp())::float8 as wait from tasks',
		)) as [{wait: number}];
		expect(wait).toBeGreaterThan(0);
		expect(wait).toBeLessThanOrEqual(3);
		expect(await claim(A)).toBeUndefined();
		expect(await claim(A, `p_id => ${id}`)).toBeUndefined();
		await ready(id);
		expect(await claim(A)).toMatchObject({attempts: 2, lease_token: 2});
		expect(await finish(A, id, 2, 'p_ok => false')).toMatchObject({status: 'dead', last_error: 'no reason was given'});
		await ready(id);
		expect(await claim(A)).toBeUndefined();
	});

	test('the higher priority goes first, then the longer waiting; other queues and later times wait', async () => {
		const first = await add('first');
		const urgent = await add('urgent', 'p_priority => 5');
		const second = await add('second');
		await add('later', `p_run_at => now() + interval '1 hour'`);
		const other = await add('other', `p_queue => 'slow'`);
		const taken = [await claim(), await claim(), await claim(), await claim()];
		expect(taken.map(task => task?.['id'])).toEqual([urgent, first, second, undefined]);
		expect(await claim(A, `'slow'`)).toMatchObject({id: other});
	});

	test('adding another with the same key in the same queue returns the first one', async () => {
		const id = await add('x', `p_idem_key => 'k'`);
		expect(await add('y', `p_idem_key => 'k'`)).toBe(id);
		expect(await add('y', `p_idem_key => 'k', p_queue => 'other'`)).not.toBe(id);
		expect(await read(id)).toMatchObject({title: 'x'});
	});

	test('a task waits for those that it depends on', async () => {
		const one = await add('one');
		const two = await add('two', `p_depends_on => array[${one}]::bigint[], p_priority => 9`);
		expect(await claim(A, `p_id => ${two}`)).toBeUndefined();
		expect(await claim()).toMatchObject({id: one});
		expect(await claim()).toBeUndefined();
		await finish(A, one, 1);
		expect(await claim()).toMatchObject({id: two});
	});

	test('tasks that depend on one that will never be done are cancelled, also indirectly', async () => {
		const one = await add('one', 'p_max_attempts => 1');
		const two = await add('two', `p_depends_on => array[${one}]::bigint[]`);
		const three = await add('three', `p_depends_on => array[${two}]::bigint[]`);
		await claim();
		await finish(A, one, 1, 'p_ok => false');
		expect(await read(two)).toMatchObject({
			status: 'cancelled',
			last_error: `task ${one}, which it depends on, is dead`,
		});
		expect(await read(three)).toMatchObject({
			status: 'cancelled',
			last_error: `task ${two}, which it depends on, is cancelled`,
		});
		await expect(add('four', `p_depends_on => array[${one}]::bigint[]`)).rejects.toMatchObject({
			code: '55000',
			message: `task ${one}, which this depends on, is dead`,
		});
		await expect(add('five', 'p_depends_on => array[999]::bigint[]')).rejects.toMatchObject({code: '23503'});
	});

	test('a plan moves with its steps and is done with the last of them', async () => {
		const plan = await add('plan');
		const one = await add('one', `p_parent_id => ${plan}, p_position => 1`);
		const two = await add('two', `p_parent_id => ${plan}, p_position => 2, p_depends_on => array[${one}]::bigint[]`);
		expect(await claim(A, `p_id => ${plan}`)).toBeUndefined();
		expect(await claim()).toMatchObject({id: one});
		await database.as(A, `select task_progress(${one}, 1, 0.5)`);
		expect(await read(plan)).toMatchObject({status: 'queued', progress: 0.25});
		await finish(A, one, 1);
		expect(await read(plan)).toMatchObject({status: 'queued', progress: 0.5});
		await claim();
		await finish(A, two, 1);
		expect(await read(plan)).toMatchObject({status: 'done', progress: 1});
		await expect(add('three', `p_parent_id => ${plan}`)).rejects.toMatchObject({
			code: '55000',
			message: `task ${plan} is done, so no steps can be added to it`,
		});
		await expect(add('lost', 'p_parent_id => 999')).rejects.toMatchObject({code: '23503'});
	});

	test('a plan fails when a step cannot be done any more, and cancelled steps do not count', async () => {
		const plan = await add('plan');
		const one = await add('one', `p_parent_id => ${plan}, p_max_attempts => 1`);
		const two = await add('two', `p_parent_id => ${plan}`);
		await claim();
		await finish(A, one, 1, 'p_ok => false');
		expect(await read(plan)).toMatchObject({status: 'queued'});
		await claim();
		await finish(A, two, 1);
		expect(await read(plan)).toMatchObject({status: 'failed', progress: 0.5});

		const other = await add('other');
		const done = await add('done', `p_parent_id => ${other}`);
		const dropped = await add('dropped', `p_parent_id => ${other}`);
		await database.as(human(), `select task_cancel(${dropped})`);
		await claim(A, `p_id => ${done}`);
		await finish(A, done, 1);
		expect(await read(other)).toMatchObject({status: 'done', progress: 1});
	});

	const plan = (steps: object[] | string, more = ''): Promise<Row[]> =>
		database.as(A, `select * from task_plan('plan', $1${more === '' ? '' : `, ${more}`})`, [
			typeof steps === 'string' ? steps : JSON.stringify(steps),
		]);

	test('a plan is added at once: the task, then its steps, each after the one before', async () => {
		const before = await add('before');
		const rows = await plan(
			[{title: 'one', body: 'how'}, {title: 'two'}, {title: 'three'}],
			`p_queue => 'q', p_priority => 4, p_depends_on => array[${before}]::bigint[]`,
		);
		const [heading, one, two, three] = rows.map(row => row['id'] as number);
		expect(rows).toMatchObject([
			{title: 'plan', queue: 'q', parent_id: null, created_by: 'A'},
			{title: 'one', body: 'how', queue: 'q', priority: 4, parent_id: heading, position: 1},
			{title: 'two', body: '', parent_id: heading, position: 2},
			{title: 'three', parent_id: heading, position: 3, created_by: 'A'},
		]);
		// One driver reads a bigint[] as numbers, the other as their digits.
		expect(rows.map(row => (row['depends_on'] as unknown[]).map(Number))).toEqual([[before], [before], [one], [two]]);
		expect(await claim(A, `'q'`)).toBeUndefined();
		await claim();
		await finish(A, before, 1);
		for (const step of [one!, two!, three!]) {
			expect(await claim(B, `'q'`)).toMatchObject({id: step});
			await finish(B, step, 1);
		}
		expect(await read(heading!)).toMatchObject({status: 'done', progress: 1});
	});

	test('the steps of a plan in no order can be claimed at once', async () => {
		const rows = await plan([{title: 'one'}, {title: 'two'}], 'false');
		expect(rows.map(row => row['depends_on'])).toEqual([[], [], []]);
		expect(await claim(A)).toMatchObject({title: 'one'});
		expect(await claim(B)).toMatchObject({title: 'two'});
		expect(await claim(A)).toBeUndefined();
	});

	test('adding a plan with the same key returns the first one, and an invalid one leaves nothing behind', async () => {
		const first = await plan([{title: 'one'}], `p_idem_key => 'k'`);
		expect(await plan([{title: 'other'}, {title: 'more'}], `p_idem_key => 'k'`)).toEqual(first);
		for (const steps of [[], '{}', '"x"', 'null']) {
			await expect(plan(steps)).rejects.toMatchObject({code: '22023', message: 'a plan is an array of 1 to 100 steps'});
		}
		await expect(plan([{title: 'one'}, {title: ''}])).rejects.toMatchObject({
			constraint: 'tasks_title_1_to_1000_characters',
		});
		await expect(plan([{body: 'no title'}])).rejects.toMatchObject({code: '23502'});
		expect(await database.as(A, 'select count(*)::int from tasks')).toEqual([{count: 2}]);
	});

	test('an agent that splits a task it claimed keeps it', async () => {
		const plan = await add('plan');
		await claim();
		const step = await add('step', `p_parent_id => ${plan}`);
		await claim(B);
		await finish(B, step, 1);
		expect(await read(plan)).toMatchObject({status: 'running', progress: 1});
		expect(await finish(A, plan, 1)).toMatchObject({status: 'done'});
	});

	test('a split task whose owner is gone ends with its steps', async () => {
		const plan = await add('plan');
		await claim();
		const step = await add('step', `p_parent_id => ${plan}`);
		await claim(B);
		await finish(B, step, 1);
		await expire(plan);
		await database.as(B, 'select task_reap()');
		expect(await read(plan)).toMatchObject({status: 'done', progress: 1});
	});

	test('cancelling ends a task with all its steps, and its owner finds the lease lost', async () => {
		const plan = await add('plan');
		const step = await add('step', `p_parent_id => ${plan}`);
		const below = await add('below', `p_parent_id => ${step}`);
		await claim(B);
		expect(await database.as(human(), `select id, status, last_error from task_cancel(${plan})`)).toEqual([
			{id: plan, status: 'cancelled', last_error: 'cancelled by HUMAN'},
		]);
		expect(await read(step)).toMatchObject({status: 'cancelled'});
		expect(await finish(B, below, 1)).toBeUndefined();
		expect(await database.as(human(), `select * from task_cancel(${plan})`)).toEqual([]);
		expect(await database.as(human(), 'select * from task_cancel(999)')).toEqual([]);
	});

	describe('retry', () => {
		const die = async (id: number): Promise<void> => {
			const task = await claim(A, `p_id => ${id}`);
			await finish(A, id, Number(task?.['lease_token']), `p_ok => false, p_error => 'no luck'`);
		};
		const retry = async (id: number): Promise<Row | undefined> =>
			(await database.as(human(), 'select * from task_retry($1)', [id]))[0];
		const statuses = async (): Promise<Record<string, unknown>> =>
			Object.fromEntries(
				(await database.as(B, 'select title, status from tasks order by id')).map(row => [row['title'], row['status']]),
			);

		test('queues a dead task again, with all its attempts before it and what went wrong', async () => {
			const id = await add('x', 'p_max_attempts => 1');
			await die(id);
			expect(await read(id)).toMatchObject({status: 'dead'});
			expect(await retry(id)).toMatchObject({status: 'queued', attempts: 0, progress: 0, last_error: 'no luck'});
			expect(await claim(B)).toMatchObject({id, attempts: 1, lease_token: 2});
			expect(await finish(A, id, 1)).toBeUndefined();
		});

		test('is refused for tasks that are queued, running or done, and for unknown ones', async () => {
			const id = await add('x');
			expect(await retry(id)).toBeUndefined();
			await claim(A);
			expect(await retry(id)).toBeUndefined();
			await finish(A, id, 1);
			expect(await retry(id)).toBeUndefined();
			expect(await retry(999)).toBeUndefined();
		});

		test('a failed plan is tried again with its unfinished steps, but not with those that somebody cancelled', async () => {
			const plan = await add('plan');
			const step = async (title: string, after: number[] = []): Promise<number> =>
				await add(
					title,
					`p_parent_id => ${plan}, p_max_attempts => 1, p_depends_on => array[${after.join()}]::bigint[]`,
				);
			const done = await step('done');
			const dropped = await step('dropped');
			const dead = await step('dead', [done]);
			const waiting = await step('waiting', [dead]);
			await claim(A, `p_id => ${done}`);
			await finish(A, done, 1);
			await database.as(human(), `select task_cancel(${dropped})`);
			await die(dead);
			expect(await statuses()).toEqual({
				plan: 'failed',
				done: 'done',
				dropped: 'cancelled',
				dead: 'dead',
				waiting: 'cancelled',
			});
			expect(await retry(plan)).toMatchObject({status: 'queued', last_error: null});
			expect(await statuses()).toEqual({
				plan: 'queued',
				done: 'done',
				dropped: 'cancelled',
				dead: 'queued',
				waiting: 'queued',
			});
			expect(Number((await read(plan))['progress'])).toBeCloseTo(1 / 3);
			for (const id of [dead, waiting]) {
				const task = await claim(A, `p_id => ${id}`);
				await finish(A, id, Number(task?.['lease_token']));
			}
			expect(await read(plan)).toMatchObject({status: 'done', progress: 1});
		});

		test('retrying one step also retries its plan, and the tasks that wait for it', async () => {
			const plan = await add('plan');
			const inner = await add('inner', `p_parent_id => ${plan}`);
			const step = await add('step', `p_parent_id => ${inner}, p_max_attempts => 1`);
			const next = await add('next', `p_parent_id => ${plan}, p_depends_on => array[${inner}]::bigint[]`);
			await die(step);
			expect(await statuses()).toEqual({plan: 'failed', inner: 'failed', step: 'dead', next: 'cancelled'});
			await retry(step);
			expect(await statuses()).toEqual({plan: 'queued', inner: 'queued', step: 'queued', next: 'queued'});
			expect(await claim(B, `p_id => ${next}`)).toBeUndefined();
		});

		test('a cancelled plan comes back with all its steps', async () => {
			const plan = await add('plan');
			await add('one', `p_parent_id => ${plan}`);
			await add('two', `p_parent_id => ${plan}`);
			await database.as(human(), `select task_cancel(${plan})`);
			await retry(plan);
			expect(await statuses()).toEqual({plan: 'queued', one: 'queued', two: 'queued'});
		});

		test('is refused for a task that waits for one that will never be done, and says which', async () => {
			const one = await add('one', 'p_max_attempts => 1');
			const two = await add('two', `p_depends_on => array[${one}]::bigint[]`);
			const other = await add('other', 'p_max_attempts => 1');
			const both = await add('both', `p_depends_on => array[${one}, ${other}]::bigint[]`);
			await die(one);
			await die(other);
			await expect(retry(two)).rejects.toMatchObject({
				code: '55000',
				message: `task ${two} depends on task ${one}, which is dead`,
				hint: `Retry task ${one}: the tasks that wait for it are retried, too.`,
			});
			await retry(one);
			expect(await read(two)).toMatchObject({status: 'queued', last_error: null});
			expect(await read(both)).toMatchObject({status: 'cancelled'});
			await retry(other);
			expect(await read(both)).toMatchObject({status: 'queued'});
		});
	});

	test('only its assignee can claim an assigned task, in any case, until it is for anybody again', async () => {
		const id = await add('x', `p_assignee => 'b'`);
		await add('y', 'p_priority => -1');
		expect(await claim(A, `p_id => ${id}`)).toBeUndefined();
		expect(await claim(A)).toMatchObject({title: 'y'});
		expect(await claim(B)).toMatchObject({id, assignee: 'b'});
		expect(await database.as(human(), 'select * from task_assign($1, $2)', [id, 'A'])).toEqual([]);
		const other = await add('z', `p_assignee => 'B'`);
		expect(await database.as(human(), 'select id, assignee from task_assign($1)', [other])).toEqual([
			{id: other, assignee: null},
		]);
		expect(await claim(A)).toMatchObject({id: other});
		await expect(database.as(human(), 'select task_assign($1, $2)', [other, 'no tag'])).resolves.toEqual([]);
		const third = await add('w');
		await expect(database.as(human(), 'select task_assign($1, $2)', [third, 'no tag'])).rejects.toMatchObject({
			constraint: 'tasks_assignee_is_a_tag',
		});
	});

	test('a plan is assigned and reprioritised with the steps that are open', async () => {
		const plan = await add('plan', `p_assignee => 'A'`);
		const begun = await add('begun', `p_parent_id => ${plan}`);
		const open = await add('open', `p_parent_id => ${plan}`);
		expect(await read(open)).toMatchObject({assignee: 'A'});
		await claim(A, `p_id => ${begun}`);
		await database.as(human(), 'select task_assign($1, $2)', [plan, 'B']);
		expect(await read(begun)).toMatchObject({assignee: 'A'});
		expect(await read(open)).toMatchObject({assignee: 'B'});
		await add('urgent', 'p_priority => 3');
		expect(await database.as(human(), 'select priority from task_reprioritise($1, 7)', [plan])).toEqual([
			{priority: 7},
		]);
		expect(await read(begun)).toMatchObject({priority: 7});
		expect(await claim(B)).toMatchObject({id: open, priority: 7});
		await database.as(human(), `select task_cancel(${plan})`);
		expect(await database.as(human(), 'select * from task_reprioritise($1, 1)', [plan])).toEqual([]);
	});

	describe('those who may change an existing task', () => {
		const calls = {
			cancel: 'select id from task_cancel($1)',
			retry: 'select id from task_retry($1)',
			assign: `select id from task_assign($1, 'D')`,
			reprioritise: 'select id from task_reprioritise($1, 7)',
		};
		const [C, D] = [agent('C'), agent('D')];
		const refused = async (caller: Caller, id: number, message: string, doing = Object.keys(calls)): Promise<void> => {
			for (const name of doing) {
				await expect(database.as(caller, calls[name as keyof typeof calls], [id])).rejects.toMatchObject({
					code: '42501',
					message: message.replace('*', name),
					hint: 'Send one of them a message.',
				});
			}
		};

		test('is its author, its owner and humans; nobody takes a running task from another agent', async () => {
			const id = await add('x');
			await claim(B);
			const before = await read(id);
			await refused(C, id, `you are C and may not * task ${id}: only B, A and humans may`);
			expect(await read(id)).toEqual(before);
			for (const caller of [agent('a'), agent('b'), human(), service(), service('C'), owner]) {
				expect(await database.as(caller, calls.reprioritise, [id])).toEqual([{id}]);
			}
			expect(await database.as(B, calls.cancel, [id])).toEqual([{id}]);
			// It has ended, so its owner has no special rights any more.
			await refused(B, id, `you are B and may not * task ${id}: only A and humans may`);
			expect(await database.as(A, calls.retry, [id])).toEqual([{id}]);
		});

		test('is the assignee of a task that nobody has begun', async () => {
			const id = await add('x', `p_assignee => 'b'`);
			await refused(C, id, `you are C and may not * task ${id}: only b, A and humans may`);
			expect(await database.as(B, calls.assign, [id])).toEqual([{id}]);
			await refused(B, id, `you are B and may not * task ${id}: only D, A and humans may`);
			expect(await database.as(D, calls.cancel, [id])).toEqual([{id}]);
		});

		test("is a plan's author for its steps, and not a step's author or owner for the plan", async () => {
			const plan = await add('plan');
			const step = Number(
				(await database.as(service('C'), `select id from task_add('step', p_parent_id => $1)`, [plan]))[0]?.['id'],
			);
			const [{id: below}] = (await database.as(service('D'), `select id from task_add('below', p_parent_id => $1)`, [
				step,
			])) as [{id: number}];
			await claim(B, `p_id => ${below}`);
			await refused(B, step, `you are B and may not * task ${step}: only C, A and humans may`);
			await refused(C, plan, `you are C and may not * task ${plan}: only A and humans may`);
			await refused(agent('E'), below, `you are E and may not * task ${below}: only B, D, C, A and humans may`);
			expect(await database.as(A, calls.reprioritise, [below])).toEqual([{id: below}]);
			expect(await database.as(C, calls.cancel, [below])).toEqual([{id: below}]);
		});

		test('of a task that plain SQL added is its owner and humans', async () => {
			const [{id}] = (await database.as(owner, `insert into tasks (title) values ('x') returning id`)) as [
				{id: number},
			];
			await refused(A, id, `you are A and may not * task ${id}: only humans may`);
			await claim(B);
			await refused(A, id, `you are A and may not * task ${id}: only B and humans may`);
			expect(await database.as(B, calls.cancel, [id])).toEqual([{id}]);
			expect(await database.as(human(), calls.retry, [id])).toEqual([{id}]);
		});

		test('and nobody else adds a step, by which it would end', async () => {
			const step = `select created_by from task_add('step', p_parent_id => $1)`;
			const id = await add('x');
			const waits = await add('waits', `p_depends_on => array[${id}]::bigint[]`);
			await expect(database.as(B, step, [id])).rejects.toMatchObject({
				code: '42501',
				message: `you are B and may not add a step to task ${id}: only A and humans may`,
			});
			await expect(
				database.as(B, `select * from task_plan('plan', '[{"title": "x"}]', p_parent_id => $1)`, [id]),
			).rejects.toMatchObject({code: '42501'});
			await claim(B, `p_id => ${id}`);
			expect(await database.as(B, step, [id])).toEqual([{created_by: 'B'}]);
			await expect(database.as(C, step, [id])).rejects.toMatchObject({code: '42501'});
			expect(await database.as(human(), step, [id])).toHaveLength(1);
			expect((await read(waits))['status']).toBe('queued');
		});

		test('are anybody, if the task does not exist', async () => {
			for (const call of Object.values(calls)) expect(await database.as(B, call, [999])).toEqual([]);
		});
	});

	test('values that do not fit are refused by named constraints', async () => {
		await expect(add('')).rejects.toMatchObject({constraint: 'tasks_title_1_to_1000_characters'});
		await expect(add('x', `p_queue => ''`)).rejects.toMatchObject({constraint: 'tasks_queue_1_to_64_characters'});
		await expect(add('x', 'p_max_attempts => 0')).rejects.toMatchObject({constraint: 'tasks_max_attempts_1_to_100'});
		await expect(add('x', 'p_message_id => 99')).rejects.toMatchObject({
			code: '23503',
			constraint: 'tasks_message_id_fkey',
		});
	});
});
