import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, engines, human, type MigratedDatabase, owner} from '../helpers/migrated.ts';

const A = agent('A');

describe.each(engines)('a watched table that is more than a table, or is no more, on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.script('truncate agentmux.watches, agentmux.watch_changes');
		await database.clear();
	});

	const watch = (table: string, more = '') =>
		database.as(owner, `select watch_table('${table}', 'RESPONDER', p_window => '0'${more})`);
	const told = async () =>
		(await database.as(owner, 'select body from messages order by id')).map(row => row['body'] as string);
	const follow = () => database.as(human(), 'select * from mailbox_state()');

	test('changes of partitions are those of the table, each once, and partitions that come later count', async () => {
		await database.script(`create table parts (id int, at int) partition by range (at);
			create table parts_1 partition of parts for values from (0) to (10);
			create table parts_2 partition of parts for values from (10) to (20) partition by list (id);
			create table parts_2a partition of parts_2 default;
			grant all on parts, parts_1, parts_2, parts_2a to authenticated`);
		await watch('parts');
		await database.as(A, 'insert into parts values (1, 1), (2, 11)');
		await database.as(A, 'insert into parts_1 values (3, 3)');
		await database.as(A, 'insert into parts_2a values (4, 14)');
		await database.as(A, 'update parts set at = 12 where id = 3');
		await database.as(A, 'truncate parts_2a');
		expect(await told()).toEqual([
			'parts INSERT 2 rows by A @RESPONDER\n{"at": 1, "id": 1}\n{"at": 11, "id": 2}',
			'parts INSERT by A {"at": 3, "id": 3} @RESPONDER',
			'parts INSERT by A {"at": 14, "id": 4} @RESPONDER',
			'parts UPDATE by A {"at": 12, "id": 3} was {"at": 3} @RESPONDER',
			'parts TRUNCATE by A @RESPONDER',
		]);
		await database.script(
			'create table parts_3 partition of parts for values from (20) to (30); grant all on parts_3 to authenticated',
		);
		await follow();
		await database.as(A, 'insert into parts_3 values (5, 25)');
		expect((await told())[5]).toBe('parts INSERT by A {"at": 25, "id": 5} @RESPONDER');
		await database.as(owner, `select unwatch_table('parts', 'RESPONDER')`);
		expect(await database.as(owner, `select tgname from pg_trigger where tgname like 'mux_watch%'`)).toEqual([]);
		await database.script('drop table parts');
	});

	test('a table that was dropped ends the watch, and one that was renamed does not; both are told', async () => {
		await database.script('create table orders (id int); grant all on orders to authenticated');
		await watch('orders');
		await follow();
		expect(await told()).toEqual([]);
		await database.script('alter table orders rename to purchases');
		await follow();
		await follow();
		await database.as(A, 'insert into purchases values (1)');
		await database.script('drop table purchases');
		await follow();
		await follow();
		expect(await told()).toEqual([
			'orders is now called purchases: this watch goes on. @RESPONDER',
			'purchases INSERT by A {"id": 1} @RESPONDER',
			'purchases was dropped: this watch has ended. @RESPONDER',
		]);
		expect(await database.as(owner, 'select * from agentmux.watches')).toEqual([]);
	});

	test('what waits is told before the end of its table', async () => {
		await database.script('create table orders (id int); grant all on orders to authenticated');
		await database.as(owner, `select watch_table('orders', 'RESPONDER', p_window => '1 hour')`);
		await database.as(A, 'insert into orders values (1)');
		await database.as(A, 'insert into orders values (2)');
		await database.script('drop table orders');
		await follow();
		expect(await told()).toEqual([
			'orders INSERT by A {"id": 1} @RESPONDER',
			'orders INSERT by A @RESPONDER\n(not shown, because its rights are gone with it)',
			'orders was dropped: this watch has ended. @RESPONDER',
		]);
	});

	test('the triggers of a table are those that its watches need', async () => {
		await database.script('create table orders (id int)');
		const triggers = async () =>
			(await database.as(owner, `select tgname from pg_trigger where tgname like 'mux_watch%' order by 1`)).map(
				row => row['tgname'],
			);
		await watch('orders', `, p_on => '{update}'`);
		expect(await triggers()).toEqual(['mux_watch_update']);
		await database.as(owner, `select watch_table('orders', 'B', p_on => '{insert}')`);
		expect(await triggers()).toEqual(['mux_watch_insert', 'mux_watch_update']);
		await watch('orders', `, p_on => '{delete}'`);
		expect(await triggers()).toEqual(['mux_watch_delete', 'mux_watch_insert']);
		await database.as(owner, `select unwatch_table('orders', 'B'), unwatch_table('orders', 'RESPONDER')`);
		expect(await triggers()).toEqual([]);
		await database.script('drop table orders');
	});
});
