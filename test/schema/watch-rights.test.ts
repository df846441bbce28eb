import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, engines, human, type MigratedDatabase, owner, service} from '../helpers/migrated.ts';

const A = agent('A');

describe.each(engines)('what a watch tells on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
		await database.script('create table orders (id int, state text, total numeric, urgent boolean, secret text)');
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.script(`alter table orders disable row level security; revoke all on orders from authenticated;
			grant select (id, state, total, urgent), insert, update, delete on orders to authenticated;
			truncate agentmux.watches, agentmux.watch_changes; truncate orders`);
		await database.clear();
	});

	const watch = async (settings = '', caller = owner): Promise<unknown> =>
		(await database.as(caller, `select watch_table('orders', 'RESPONDER', p_window => '0'${settings}) as remarks`))[0]![
			'remarks'
		];
	const insert = (id: number, rest = `'open', 5, false, 'hidden'`) =>
		database.as(A, `insert into orders values (${id}, ${rest})`);
	const told = async () =>
		(await database.as(owner, 'select body from messages order by id')).map(row => row['body'] as string);
	const joined = () => database.as(agent('RESPONDER'), 'select agent_touch()');

	test('a column that agents may not read is left out, and a change of nothing else is none', async () => {
		await joined();
		expect(await watch()).toEqual([
			'Agents may not read all columns of orders; messages show only those that they may read.',
		]);
		await insert(1);
		await database.as(owner, `update orders set secret = 'other'`);
		await database.as(A, `update orders set state = 'done', secret = 'third'`);
		expect(await told()).toEqual([
			'orders INSERT by A {"id": 1, "state": "open", "total": 5, "urgent": false} @RESPONDER',
			'orders UPDATE by A {"id": 1, "state": "done", "total": 5, "urgent": false} was {"state": "open"} @RESPONDER',
		]);
		// Rights count as they are when the table changes, and so does a column that comes later.
		await database.script('revoke select (state) on orders from authenticated');
		await database.script('alter table orders add column later text');
		await insert(2);
		expect((await told())[2]).toBe('orders INSERT by A {"id": 2, "total": 5, "urgent": false} @RESPONDER');
		await database.script('alter table orders drop column later');
	});

	test('of a table that agents may not read, or not in every row, the changes are only counted', async () => {
		await joined();
		await database.script(
			'alter table orders enable row level security; create policy few on orders for all using (id < 10)',
		);
		const remark = ['Agents may not read the rows of orders, so messages only count its changes.'];
		expect(await watch()).toEqual(remark);
		await insert(1);
		const counted = 'orders INSERT by A @RESPONDER\n(not shown, because agents may not read all of orders)';
		expect(await told()).toEqual([counted]);
		// A policy that lets everybody read everything hides nothing, unless another one restricts it.
		await database.script('drop policy few on orders; create policy everything on orders for all using (true)');
		await insert(2);
		expect((await told())[1]).toContain('{"id": 2');
		await database.script('create policy less on orders as restrictive for select using (id < 10)');
		await insert(3);
		expect((await told())[2]).toBe(counted);
		await database.script(
			'drop policy less on orders; drop policy everything on orders; alter table orders disable row level security',
		);
		await database.script('revoke select (id, state, total, urgent) on orders from authenticated');
		expect(await watch()).toEqual(remark);
		await database.as(owner, `insert into orders values (4), (5)`);
		expect((await told())[3]).toMatch(/^orders INSERT 2 rows by .*\n\(not shown/);
	});

	test('the owner may show what agents cannot read, and a human with a token cannot', async () => {
		await joined();
		expect(await watch(`, p_columns => '{id,secret}'`)).toEqual([]);
		await insert(1);
		await database.as(A, `update orders set state = 'done'`);
		expect(await told()).toEqual(['orders INSERT by A {"id": 1, "secret": "hidden"} @RESPONDER']);
		for (const settings of [`, p_columns => '{id,secret}'`, `, p_where => 'secret = ''x'''`])
			await expect(watch(settings, human())).rejects.toMatchObject({
				code: '42501',
				message: 'agents may not read all of these columns of orders',
			});
		expect(await watch(`, p_columns => '{id,state}'`, human())).toEqual([]);
		await database.script('revoke select (state) on orders from authenticated');
		await insert(2);
		expect((await told())[1]).toBe('orders INSERT by A {"id": 2} @RESPONDER');
		await expect(watch(`, p_columns => '{id,nothing}'`)).rejects.toMatchObject({
			code: '42703',
			message: 'orders has no column nothing',
		});
	});

	test('a condition of a human with a token tells nothing of a column that was taken away since', async () => {
		await watch(`, p_where => 'state = ''open'''`, human());
		await insert(1);
		expect(await told()).toHaveLength(1);
		await database.script('revoke select (state) on orders from authenticated');
		await insert(2);
		expect(await told()).toHaveLength(1);
	});

	test('only the kinds of changes that were asked for', async () => {
		await watch(`, p_on => '{UPDATE,truncate}'`, service());
		await insert(1);
		await database.as(A, `update orders set state = 'done'`);
		await database.as(A, 'delete from orders');
		await database.script('truncate orders');
		expect(await told()).toEqual([
			expect.stringMatching(/^orders UPDATE by A/),
			expect.stringMatching(/^orders TRUNCATE by the role/),
		]);
		expect(await database.as(A, 'select kinds from watched_tables()')).toEqual([{kinds: ['update', 'truncate']}]);
		await expect(watch(`, p_on => '{select}'`)).rejects.toMatchObject({code: '22023'});
		await expect(watch(`, p_on => '{}'`)).rejects.toMatchObject({code: '22023'});
	});

	test.each([
		[`state = 'open'`, [1, 2]],
		[`state <> 'open'`, [3, 4]],
		[`total > 100 and not (urgent = true)`, [3]],
		[`Total>=5 OR state='done'`, [1, 2, 3]],
		[`state in ('open', 'done') and total in (5,1000)`, [1, 3]],
		[`state is null`, [4]],
		[`state is not null and ("total" < 50 or urgent = 'true')`, [1, 2]],
		[`total = '5'`, [1]],
		[`state = 'it''s "so" @B'`, []],
		[`id = -1`, []],
	])('a condition chooses rows: %s', async (where, ids) => {
		await database.as(
			owner,
			`select watch_table('orders', 'RESPONDER', p_window => '0', p_columns => '{id}', p_where => $1)`,
			[where],
		);
		await database.as(
			A,
			`insert into orders values (1, 'open', 5, false, ''), (2, 'open', 600, true, ''), (3, 'done', 1000, false, ''), (4, null, null, null, null)`,
		);
		const body = (await told())[0] ?? '';
		expect([...body.matchAll(/"id": (\d)/g)].map(([, id]) => Number(id))).toEqual(ids);
	});

	test.each([
		`state = 'open'; drop table orders`,
		`pg_sleep(10) is null`,
		`(select count(*) from messages) > 0`,
		`state = 'open' -- `,
		`state = 'open`,
		`state like 'o%'`,
		`state = state || 'x'`,
		`nothing = 1`,
		`orders.id = 1`,
		`total`,
		`total = 'many'`,
		`urgent = 'maybe'`,
		`(id = 1`,
		`id = 1 id = 2`,
		`state in (id)`,
		`in (1)`,
		`state = "open"`,
		`$.id = 1`,
		`@ = 1`,
		`id = 1 && id = 2`,
		``,
		`state = '${'x'.repeat(30)}' or `.repeat(60),
	])('what is no condition is refused: %.40s', async where => {
		await expect(
			database.as(owner, `select watch_table('orders', 'RESPONDER', p_where => $1)`, [where]),
		).rejects.toMatchObject({code: expect.stringMatching(/^42(601|703)$/) as string});
		expect(await database.as(owner, 'select * from watched_tables()')).toEqual([]);
	});

	test('nobody else can read what waits, or set up a watch', async () => {
		await watch();
		for (const caller of [A, human(), service()])
			for (const text of [
				'select * from agentmux.watch_changes',
				'select agentmux.say($$x$$)',
				'select agentmux.watch_upkeep()',
			])
				await expect(database.as(caller, text)).rejects.toMatchObject({code: '42501'});
	});

	test('a tag that nobody has joined as is remarked upon', async () => {
		await database.script('grant select on orders to authenticated');
		expect(await watch()).toEqual(['RESPONDER has not joined: messages wait until it does.']);
		await joined();
		expect(await watch()).toEqual([]);
	});
});
