import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, engines, human, type MigratedDatabase, owner, type Row} from '../helpers/migrated.ts';

const A = agent('A');

describe.each(engines)('circular dependencies of tasks, on $engine', ({open}) => {
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
	const after = (...ids: number[]): string => `p_depends_on => array[${ids.join()}]::bigint[]`;
	const statuses = async (): Promise<Row> => {
		const rows = await database.as(owner, 'select title, status from tasks order by id');
		return Object.fromEntries(rows.map(({title, status}) => [title, status]));
	};
	const remedy = 'Leave out one of these dependencies.';

	test('a step of a plan cannot wait for a task that waits for the plan', async () => {
		const a = await add('A');
		const b = await add('B', after(a));
		await expect(add('S', `p_parent_id => ${a}, ${after(b)}`)).rejects.toMatchObject({
			code: '22023',
			message:
				'task 3 would be blocked for ever: task 3 waits for task 2, which waits for task 1, which waits for its step 3',
			hint: `Task 3 was not added. ${remedy}`,
		});
		expect(await statuses()).toEqual({A: 'queued', B: 'queued'});
		// What closes no circle is added.
		await add('S', `p_parent_id => ${a}`);
		await add('T', `p_parent_id => ${b}, ${after(a)}`);
	});

	test('nor does a step of a step, a plan in a plan, or an indirect dependency', async () => {
		const a = await add('A');
		const step = await add('step', `p_parent_id => ${a}`);
		let last = await add('B', after(a));
		for (let each = 0; each < 20; each++) last = await add(`B${each}`, after(last));
		await expect(add('S', `p_parent_id => ${step}, ${after(last)}`)).rejects.toMatchObject({
			code: '22023',
			message: expect.stringMatching(
				/^task 24 would be blocked for ever: .*, which waits for others, of which one waits/,
			),
		});
		const plan = `select id from task_plan('P', '[{"title": "x"}]', p_parent_id => ${a}, ${after(last)})`;
		await expect(database.as(A, plan)).rejects.toMatchObject({code: '22023'});
		expect(Object.keys(await statuses())).toHaveLength(23);
	});

	test('plain SQL cannot create a cycle either: by a dependency, a plan, or a row of its own', async () => {
		const a = await add('A');
		const b = await add('B', after(a));
		const step = await add('S', `p_parent_id => ${a}`);
		for (const sql of [
			`update tasks set depends_on = '{${b}}' where id = ${step}`,
			`update tasks set depends_on = '{${b}}' where id = ${a}`,
			`update tasks set parent_id = ${step} where id = ${b}`,
			`update tasks set parent_id = ${step} where id = ${a}`,
			`insert into tasks (title, parent_id, depends_on) values ('x', ${a}, '{${b}}')`,
		]) {
			await expect(database.as(owner, sql)).rejects.toMatchObject({
				code: '22023',
				message: expect.stringContaining(' would be blocked for ever: '),
				hint: expect.stringContaining(remedy),
			});
		}
	});

	test('plain SQL cannot make a task wait for one that failed, was cancelled or does not exist', async () => {
		const failed = await add('failed', 'p_max_attempts => 1');
		await database.as(A, 'select task_finish($1, lease_token, false) from task_claim(p_id => $1)', [failed]);
		const cancelled = await add('cancelled');
		await database.as(human(), 'select task_cancel($1)', [cancelled]);
		const free = await add('free');
		const waits = await add('waits', after(free));
		for (const [id, words] of [
			[failed, 'is dead'],
			[cancelled, 'is cancelled'],
			[99, 'does not exist'],
		] as const) {
			for (const [task, sql] of [
				[waits, `update tasks set depends_on = '{${free},${id}}' where id = ${waits}`],
				['\\d+', `insert into tasks (title, depends_on) values ('x', '{${id}}')`],
			] as const) {
				await expect(database.as(owner, sql)).rejects.toMatchObject({
					code: '22023',
					message: expect.stringMatching(
						`^task ${task} would be blocked for ever: task ${id}, which it depends on, ${words}$`,
					),
					hint: expect.stringContaining('Leave out that dependency'),
				});
			}
		}
		await database.as(owner, `update tasks set depends_on = '{}' where id = ${waits}`);
		await database.as(owner, `insert into tasks (title, depends_on) values ('x', '{${free}}')`);
	});

	test('a retry cannot create one', async () => {
		// T waits for a plan that is done, whose cancelled step waits for the plan of T.
		const d = await add('D');
		const a = await add('A');
		const one = await add('one', `p_parent_id => ${a}, ${after(d)}`);
		const two = await add('two', `p_parent_id => ${a}`);
		await database.as(human(), 'select task_cancel($1)', [one]);
		await database.as(A, `select task_finish(${two}, lease_token) from task_claim(p_id => ${two})`);
		await add('T', `p_parent_id => ${d}, ${after(a)}`);
		await expect(database.as(human(), 'select task_retry($1)', [one])).rejects.toMatchObject({
			code: '55000',
			message: expect.stringMatching(/^task 3 would be blocked for ever: task \d waits for/),
			hint: 'Cancel one of these tasks first.',
		});
		expect(await statuses()).toEqual({D: 'queued', A: 'done', one: 'cancelled', two: 'done', T: 'queued'});
	});

	test('a plan that is tried again leaves a step cancelled that waits for a cancelled task', async () => {
		const x = await add('X');
		const plan = await add('plan');
		const one = await add('one', `p_parent_id => ${plan}, p_max_attempts => 1`);
		const two = await add('two', `p_parent_id => ${plan}, ${after(x)}`);
		await add('three', `p_parent_id => ${plan}, ${after(two)}`);
		await database.as(human(), 'select task_cancel($1)', [x]);
		await database.as(A, `select task_finish(${one}, lease_token, false) from task_claim(p_id => ${one})`);
		await database.as(human(), 'select task_retry($1)', [plan]);
		expect(await statuses()).toEqual({
			X: 'cancelled',
			plan: 'queued',
			one: 'queued',
			two: 'cancelled',
			three: 'cancelled',
		});
		await database.as(A, `select task_finish(${one}, lease_token) from task_claim(p_id => ${one})`);
		expect(await statuses()).toMatchObject({plan: 'done'});
		// With what it waits for it comes back.
		await database.as(human(), 'select task_retry($1)', [x]);
		expect(await statuses()).toMatchObject({X: 'queued', two: 'queued', three: 'queued'});
	});

	test('tasks that depend on a deleted task are cancelled, and say why', async () => {
		const a = await add('A');
		const b = await add('B', after(a));
		await add('C', after(b));
		await database.as(owner, 'delete from tasks where id = $1', [a]);
		expect(await database.as(owner, 'select status, last_error from tasks order by id')).toEqual([
			{status: 'cancelled', last_error: `task ${a}, which it depends on, was deleted`},
			{status: 'cancelled', last_error: `task ${b}, which it depends on, is cancelled`},
		]);
		await expect(database.as(human(), 'select task_retry($1)', [b])).rejects.toMatchObject({
			code: '55000',
			message: `task ${b} depends on task ${a}, which was deleted`,
		});
	});

	test('existing cycles are reported by the tasks that wait for them, until they are resolved', async () => {
		// As they could be added before.
		await database.script(`alter table tasks disable trigger tasks_refuse_circle;
			insert into tasks (title, depends_on, parent_id) values
				('A', '{}', null), ('B', '{1}', null), ('S', '{2}', 1), ('C', '{2}', null), ('free', '{}', null), ('T', '{}', 1);
			alter table tasks enable trigger tasks_refuse_circle;
			select agentmux.mark_blocked()`);
		const errors = async () =>
			(await database.as(owner, 'select last_error from tasks order by id')).map(row => row['last_error']);
		const why = 'blocked for ever: task 1 waits for its step 3, which waits for task 2, which waits for task 1';
		expect(await errors()).toEqual([why, why, why, why, null, null]);
		await database.as(human(), 'select task_cancel(3)');
		expect(await errors()).toEqual([null, null, 'cancelled by HUMAN', null, null, null]);
		for (const id of [6, 2, 4]) {
			const [task] = await database.as(A, `select id, lease_token from task_claim(p_id => ${id})`);
			await database.as(A, 'select task_finish($1, $2)', [task?.['id'], task?.['lease_token']]);
		}
		expect(await statuses()).toMatchObject({A: 'done', B: 'done', C: 'done'});
	});

	test('a plan ends when its last open step is given to another plan', async () => {
		const plan = await add('plan');
		const other = await add('other');
		const step = await add('step', `p_parent_id => ${plan}`);
		const moved = await add('moved', `p_parent_id => ${plan}`);
		const [task] = await database.as(A, 'select * from task_claim(p_id => $1)', [step]);
		await database.as(A, 'select task_finish($1, $2)', [step, task?.['lease_token']]);
		expect(await statuses()).toMatchObject({plan: 'queued'});
		await database.as(owner, 'update tasks set parent_id = $1 where id = $2', [other, moved]);
		expect(await statuses()).toEqual({plan: 'done', other: 'queued', step: 'done', moved: 'queued'});
	});
});
