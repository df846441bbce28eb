import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import {createDirectory} from '../../source/hub/pglite/data-directory.ts';
import type {Database, Scope} from '../../source/hub/database/database.ts';
import {PgliteDatabase} from '../../source/hub/pglite/pglite.ts';
import {WorkerDatabase} from '../../source/hub/pglite/worker-database.ts';
import {openPostgresDatabase} from './rest/postgres-database.ts';
import {newDirectory} from '../helpers/prepared.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-database-'));
const readOnly: Scope = {role: 'supabase_read_only_user', claims: {}, readOnly: true};
/** Longer than everything except the one query that must be ended. */
const timeout = 3000;

afterAll(() => rmSync(folder, {recursive: true, force: true}));

const engines = [
	{
		engine: 'PGlite',
		open: async (): Promise<Database> => {
			const directory = join(folder, 'pg');
			await createDirectory(directory);
			return WorkerDatabase.open({directory, timeout});
		},
	},
	{
		engine: 'PostgreSQL',
		open: async (): Promise<Database> => {
			const database = await openPostgresDatabase({timeout});
			await bootstrap(database);
			return database;
		},
	},
];

describe.each(engines)('on $engine', ({open}) => {
	let database: Database;

	beforeAll(async () => {
		database = await open();
		await database.script(owner, 'create table notes (id bigint generated always as identity, body text unique)');
	});

	afterAll(() => database.close());

	async function bodies(): Promise<unknown[]> {
		const [result] = await database.run(owner, [{text: 'select body from notes order by id'}]);
		return (result?.rows ?? []).map(row => row['body']);
	}

	const add = (body: string) => database.run(owner, [{text: 'insert into notes (body) values ($1)', values: [body]}]);

	describe('a transaction', () => {
		it('keeps all digits, and parses only small numbers and booleans', async () => {
			const [result] = await database.run(owner, [
				{
					text: `select 9007199254740993::bigint as big, 1.50::numeric as exact, 7 as small, true as yes, null as nothing,
						'{"a":1}'::jsonb as document, array['a', 'b'] as list, '0123'::bytea as bytes, 5::oid as oid, '3'::xid8 as xid`,
				},
			]);
			expect(result?.rows).toEqual([
				{
					big: '9007199254740993',
					exact: '1.50',
					small: 7,
					yes: true,
					nothing: null,
					document: '{"a": 1}',
					list: '{a,b}',
					bytes: '\\x30313233',
					oid: '5',
					xid: '3',
				},
			]);
		});

		it('lets PostgreSQL itself refuse a value, with its SQLSTATE', async () => {
			await expect(database.run(owner, [{text: 'select $1::boolean as b', values: ['maybe']}])).rejects.toMatchObject({
				name: 'DatabaseError',
				code: '22P02',
			});
		});

		it('is atomic: nothing remains when one statement fails', async () => {
			await expect(
				database.run(owner, [{text: `insert into notes (body) values ('half')`}, {text: 'select 1 / 0'}]),
			).rejects.toMatchObject({code: '22012', message: 'division by zero'});
			expect(await bodies()).not.toContain('half');
		});

		it('runs as the role and with the claims of its scope, and leaves neither behind', async () => {
			const text = `select current_user::text as who, auth.jwt() ->> 'sub' as sub, current_setting('agentmux.x', true) as x`;
			const scope = {role: 'authenticated', claims: {sub: 'me'}, settings: {'agentmux.x': '1'}};
			const [[inside], [after]] = await Promise.all([database.run(scope, [{text}]), database.run(owner, [{text}])]);
			expect(inside?.rows).toEqual([{who: 'authenticated', sub: 'me', x: '1'}]);
			expect(after?.rows).toEqual([
				{who: 'postgres', sub: null, x: expect.toSatisfy(x => x === null || x === '') as unknown},
			]);
		});

		it('says how many rows each statement touched', async () => {
			const results = await database.run(owner, [
				{text: `insert into notes (body) values ('one'), ('two')`},
				{text: `update notes set body = body || '!' where body in ('one', 'two')`},
				{text: `delete from notes where body in ('one!', 'two!') returning id`},
				{text: 'select 1 where false'},
			]);
			expect(results.map(({count}) => count)).toEqual([2, 2, 2, 0]);
		});
	});

	describe('a script', () => {
		it('runs many statements and gives the results of all', async () => {
			const results = await database.script(owner, `select 1 as a; begin; select 'two' as b; commit; select null as c`);
			expect(results.flatMap(({rows}) => rows)).toEqual([{a: 1}, {b: 'two'}, {c: null}]);
		});

		it('keeps nothing of a failed script', async () => {
			await expect(database.script(owner, `insert into notes (body) values ('lost'); select 1 / 0`)).rejects.toThrow(
				'division by zero',
			);
			expect(await bodies()).not.toContain('lost');
		});

		it('does not hold a transaction open for everyone', async () => {
			await database.script(owner, `begin; insert into notes (body) values ('dangling')`);
			expect(await bodies()).not.toContain('dangling');
		});

		it('leaves no setting, role, temporary table or prepared statement to the next caller', async () => {
			await database.script(
				owner,
				`set search_path = pg_catalog; set role anon; reset role; create temp table leftover (); prepare q as select 1; set role anon`,
			);
			const [result] = await database.run(owner, [
				{
					text: `select current_user::text as who, current_setting('search_path') as path,
						to_regclass('pg_temp.leftover') is null as gone, (select count(*)::int from pg_prepared_statements where name = 'q') as prepared`,
				},
			]);
			expect(result?.rows).toEqual([{who: 'postgres', path: 'public', gone: true, prepared: 0}]);
		});

		it('cannot write when it is read-only, not even by a detour', async () => {
			await add('kept');
			for (const sql of [
				`delete from notes`,
				`commit; delete from notes`,
				`rollback; begin; delete from notes`,
				`set transaction read write; delete from notes`,
				`set default_transaction_read_only = off; commit; delete from notes`,
				`do $$ begin commit; delete from notes; end $$`,
				`with gone as (delete from notes returning 1) select * from gone`,
				`select ';'; /* ; */ -- ;\n delete from notes`,
			]) {
				await expect(database.script(readOnly, sql)).rejects.toMatchObject({name: 'DatabaseError'});
			}
			expect(await bodies()).toContain('kept');
			const results = await database.script(readOnly, `select 1 as a; select count(*)::int > 0 as some from notes;`);
			expect(results.flatMap(({rows}) => rows)).toEqual([{a: 1}, {some: true}]);
		});
	});

	describe('notifications', () => {
		it('come after the commit, in order, and survive a script that unlistens', async () => {
			const heard: string[] = [];
			const end = await database.listen('Odd "channel"', payload => heard.push(payload));
			await database.run(owner, [{text: `select pg_notify('Odd "channel"', n::text) from generate_series(1, 3) n`}]);
			await database.script(owner, 'unlisten *');
			await database.run(owner, [{text: `select pg_notify('Odd "channel"', 'four')`}]);
			await expect(
				database.run(owner, [{text: `select pg_notify('Odd "channel"', 'never')`}, {text: 'select 1 / 0'}]),
			).rejects.toThrow('division by zero');
			await expect.poll(() => heard).toEqual(['1', '2', '3', 'four']);
			await end();
			await database.run(owner, [{text: `select pg_notify('Odd "channel"', 'late')`}]);
			expect(heard).toEqual(['1', '2', '3', 'four']);
		});
	});

	describe('a query that does not end', () => {
		it('is ended after its time limit, and nothing acknowledged is lost', async () => {
			await add('before');
			const heard: string[] = [];
			const end = await database.listen('still', payload => heard.push(payload));
			const endless = database.run(owner, [{text: 'select count(*) from generate_series(1, 10000000000)'}]);
			const behind = database.run(owner, [{text: 'select 1 as one'}]);
			await expect(endless).rejects.toMatchObject({code: '57014'});
			// PGlite has one session: calls that wait are passed to the next thread.
			expect((await behind)[0]?.rows).toEqual([{one: 1}]);
			expect(await bodies()).toContain('before');
			await database.run(owner, [{text: `select pg_notify('still', 'here')`}]);
			await expect.poll(() => heard).toEqual(['here']);
			await end();
		});
	});
});

describe('a directory that is not a database', () => {
	it('rejects, and so do later calls', async () => {
		const lost: Error[] = [];
		const opening = WorkerDatabase.open({
			directory: '/dev/null/pg',
			timeout: 30_000,
			onLost: error => lost.push(error),
		});
		await expect(opening).rejects.toThrow('ENOTDIR');
		expect(lost).toHaveLength(1);
	});
});

describe('fsync', () => {
	it('reaches the disk before a commit is acknowledged, and not for reading', async () => {
		let syncs = 0;
		const own = join(folder, 'synced');
		await newDirectory(own);
		const direct = await PgliteDatabase.open({directory: own, onSync: () => syncs++});
		await direct.run(owner, [{text: 'create table t (n int)'}]);
		const before = syncs;
		for (let n = 0; n < 10; n++) await direct.run(owner, [{text: 'insert into t values ($1)', values: [n]}]);
		const written = syncs;
		await direct.run(owner, [{text: 'select * from t'}]);
		expect(syncs).toBe(written);
		expect(written - before).toBeGreaterThanOrEqual(10);
		expect(written - before).toBeLessThan(20);
		await direct.close();
	});

	it('ends the thread when it fails, before anything is acknowledged', async () => {
		const own = join(folder, 'failing');
		await newDirectory(own);
		const pglite = new URL('../../source/hub/pglite/pglite.ts', import.meta.url).href;
		// A thread, because PGlite carries on after PostgreSQL's panic, and only ending the thread stops it.
		const thread = new Worker(
			`const {parentPort} = require('node:worker_threads');
			import('${pglite}').then(async ({PgliteDatabase}) => {
				let failing = false;
				const database = await PgliteDatabase.open({
					directory: ${JSON.stringify(own)},
					onSync() { if (failing) throw new Error('the disk is gone'); },
					onAbort: () => process.exit(7),
				});
				failing = true;
				await database.run({role: 'postgres', claims: {}}, [{text: 'create table t (n int)'}]);
				parentPort.postMessage('acknowledged');
			});`,
			{eval: true},
		);
		const said: unknown[] = [];
		thread.on('message', message => said.push(message));
		expect(await once(thread, 'exit')).toEqual([7]);
		expect(said).toEqual([]);
	});
});
