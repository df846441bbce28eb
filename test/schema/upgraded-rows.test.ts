import {describe, expect, it} from 'vitest';
import {owner} from '../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../source/hub/database/database.ts';
import {migrate} from '../../source/hub/schema/migrations.ts';
import {engines} from '../hub/rest/stage.ts';
import {differences, dumpSchema} from './dump.ts';
import {makeFormer, makeReleased, migrations, rowsOf} from './former.ts';

/** A database of before that version with the rows of those statements, each in a transaction of its own, brought up to date. */
async function upgraded(
	open: () => Promise<Database>,
	version: string,
	statements: readonly string[],
): Promise<Database> {
	const database = await open();
	try {
		await makeFormer(database, version);
		for (const statement of statements) await database.run(owner, [{text: statement}]);
		await migrate(database, migrations);
		return database;
	} catch (error) {
		await database.close();
		throw error;
	}
}

describe.each(engines)('an upgrade on $engine', ({open}) => {
	it('begins the history of existing rows with their latest change', async () => {
		const database = await upgraded(open, '20261125000500', [
			`insert into tasks (title, status, lease_owner, lease_until) values ('build', 'running', 'A', now() + interval '1 hour')`,
			`insert into agents (tag, presence) values ('A', 'blocked')`,
		]);
		try {
			expect(await rowsOf(database, 'select kind, tag, state from events order by id')).toEqual([
				{kind: 'task', tag: 'A', state: 'running'},
				{kind: 'presence', tag: 'A', state: 'blocked'},
			]);
		} finally {
			await database.close();
		}
	});

	it('continues to watch tables that were watched row by row, except those that messages change', async () => {
		const database = await upgraded(open, '20261125000100', [
			'create table orders (id int, note text)',
			`select watch_table('orders', 'RESPONDER0')`,
			`create trigger mux_watch_a after insert on receipts for each row execute function public.mux_watch('A')`,
		]);
		try {
			expect(await rowsOf(database, 'select table_name, to_tag from watched_tables()')).toEqual([
				{table_name: 'orders', to_tag: 'RESPONDER0'},
			]);
			await rowsOf(database, `insert into orders values (1, 'x'), (2, 'y')`);
			expect(await rowsOf(database, 'select mentions[1] as mention from messages')).toEqual([{mention: 'RESPONDER0'}]);
		} finally {
			await database.close();
		}
	});

	it('of a released version leaves what a new database has, and its watches, reminders and keys go on', async () => {
		const database = await open();
		try {
			await makeReleased(database, '20261204002500');
			for (const statement of [
				'create table orders (id int) partition by range (id)',
				'create table orders_1 partition of orders for values from (0) to (10)',
				`select watch_table('orders', 'RESPONDER')`,
				`select watch_table('orders_1', 'B', p_on => '{delete}')`,
				`insert into agentmux.reminded values ('A', 'a session')`,
				`select task_add('once', p_idem_key => 'k')`,
			])
				await rowsOf(database, statement);
			await migrate(database, migrations);
			expect(await rowsOf(database, `select title from task_add('another', p_idem_key => 'k')`)).toEqual([
				{title: 'once'},
			]);
			await rowsOf(database, 'insert into orders values (1)');
			await rowsOf(database, 'delete from orders_1');
			expect(
				await rowsOf(
					database,
					`select w.to_tag, c.kind from agentmux.watch_changes as c join agentmux.watches as w on w.id = c.watch_id
						union all select mentions[1], substring(body from '(?:INSERT|DELETE)') from messages order by 1, 2`,
				),
			).toEqual([
				{to_tag: 'B', kind: 'DELETE'},
				{to_tag: 'RESPONDER', kind: 'DELETE'},
				{to_tag: 'RESPONDER', kind: 'INSERT'},
			]);
			await rowsOf(database, 'drop table orders');
			expect(differences(await dumpSchema({as: async (_, sql) => [...(await rowsOf(database, sql))]}))).toEqual([]);
		} finally {
			await database.close();
		}
	});

	it('with a long history finds all of it, and stores its words in steps afterwards', {timeout: 120_000}, async () => {
		const database = await open();
		try {
			await makeReleased(database, '20261209000000');
			await rowsOf(
				database,
				`insert into messages (content) select '[A] number ' || n || case when n in (7, 5500) then ' needle' else '' end
				from generate_series(1, 5700) as n`,
			);
			await migrate(database, migrations);
			const find = async (words: string): Promise<unknown> =>
				(await rowsOf(database, `select id::int from search_messages(p_words => '${words}', p_limit => 3)`)).map(
					row => row['id'],
				);
			expect(await find('{needl*}')).toEqual([5500, 7]);
			expect(await find('{number}')).toEqual([5700, 5699, 5698]);
			const steps: unknown[] = [];
			do steps.push((await rowsOf(database, 'select agentmux.store_words(500) as more'))[0]?.['more']);
			while (steps.at(-1) === true);
			expect(steps).toEqual([true, false]);
			expect(await find('{needl*}')).toEqual([5500, 7]);
			expect(differences(await dumpSchema({as: async (_, sql) => [...(await rowsOf(database, sql))]}))).toEqual([]);
		} finally {
			await database.close();
		}
	});

	it('marks existing circles, and cancels tasks that wait for deleted ones', async () => {
		const database = await upgraded(open, '20261201000300', [
			`insert into tasks (title, depends_on, parent_id) values ('A', '{}', null), ('B', '{1}', null), ('S', '{2}', 1), ('lost', '{99}', null),
				('gone', '{}', null), ('waits', '{}', null)`,
			`update tasks set status = 'cancelled' where title = 'gone'`,
			`update tasks set depends_on = '{5}' where title = 'waits'`,
			`update tasks set run_at = now() + interval '1 hour' where id = 1`,
		]);
		try {
			const text = 'select status, left(last_error, 16) as error, run_at is null as at_once from tasks order by id';
			expect(await rowsOf(database, text)).toEqual([
				{status: 'queued', error: 'blocked for ever', at_once: false},
				{status: 'queued', error: 'blocked for ever', at_once: true},
				{status: 'queued', error: 'blocked for ever', at_once: true},
				{status: 'cancelled', error: 'task 99, which i', at_once: true},
				{status: 'cancelled', error: null, at_once: false},
				{status: 'cancelled', error: 'task 5, which it', at_once: true},
			]);
		} finally {
			await database.close();
		}
	});

	it('frees messages that were stuck only by takes, and keeps who gets messages to everyone', async () => {
		const database = await upgraded(
			open,
			'20261201000100',
			[
				`insert into agents (tag, joined_at) values ('FIRST', '2020-01-01')`,
				`insert into messages (content) values ('[A] one')`,
				`insert into messages (content) values ('[A] two')`,
				`insert into agents (tag) values ('SECOND')`,
				`insert into agents (tag, joined_at) select 'BETWEEN', created_at from messages where id = 2`,
				`insert into messages (content) values ('[A] three')`,
				`insert into agents (tag, joined_at) values ('LAST', now() + interval '1 second')`,
				`insert into receipts (message_id, reader, state, attempts, delivered_at) values
					(1, 'NEVER', 'taken', 5, null), (1, 'ONCE', 'taken', 5, now()), (1, 'OFTEN', 'delivered', 5, now())`,
			].flatMap(statement => [statement, 'select pg_sleep(0.01)']),
		);
		try {
			await rowsOf(database, `insert into messages (content) values ('[A] four')`);
			expect(await rowsOf(database, 'select reader, attempts, takes from receipts order by reader')).toEqual([
				{reader: 'NEVER', attempts: 0, takes: 5},
				{reader: 'OFTEN', attempts: 5, takes: 0},
				{reader: 'ONCE', attempts: 4, takes: 1},
			]);
			const waiting = `select a.tag, string_agg(w.id::text, ' ' order by w.id) as ids from agents as a, agentmux.waiting(a.tag, 100) as w group by 1 order by 1`;
			expect(await rowsOf(database, waiting)).toEqual([
				{tag: 'BETWEEN', ids: '2 3 4'},
				{tag: 'FIRST', ids: '1 2 3 4'},
				{tag: 'LAST', ids: '4'},
				{tag: 'SECOND', ids: '3 4'},
			]);
		} finally {
			await database.close();
		}
	});
});
