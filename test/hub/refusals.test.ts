import {existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {owner} from '../../source/hub/schema/bootstrap.ts';
import {openDatabase} from '../../source/hub/pglite/data-directory.ts';
import {WorkerDatabase} from '../../source/hub/pglite/worker-database.ts';
import {newDirectory} from '../helpers/prepared.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-refusals-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

describe('SQL that would harm the engine', () => {
	const directory = join(folder, 'pg');
	let database: WorkerDatabase;
	beforeAll(async () => {
		await newDirectory(directory);
		database = await WorkerDatabase.open({directory, timeout: 60_000});
		await database.script(owner, "create table kept (body text); insert into kept values ('here')");
	});
	afterAll(() => database.close());

	const statements: ReadonlyArray<readonly [string, RegExp]> = [
		["create tablespace t location '/tmp'", /Operation not permitted/],
		["alter system set work_mem = '8MB'", /ALTER SYSTEM is not allowed/],
		["copy (select 1) to program 'true'", /could not execute command/],
		["copy kept from program 'true'", /could not execute command/],
		["copy (select '') to '/pglite/data/recovery.signal'", /Operation not permitted/],
		["copy (select '') to '/pglite/data/postgresql.auto.conf'", /Operation not permitted/],
		["copy (select '') to '/tmp/file'", /Operation not permitted/],
		[
			"do $$ begin perform lo_from_bytea(7, 'x'); perform lo_export(7, 'standby.signal'); end $$",
			/Operation not permitted/,
		],
	];
	it.each(statements)('is refused also to the owner, and the next caller is served: %s', async (sql, reason) => {
		await expect(database.script(owner, sql)).rejects.toThrow(reason);
		const [result] = await database.run(owner, [{text: 'select body from kept'}]);
		expect(result?.rows).toEqual([{body: 'here'}]);
	});

	it('is refused where only the engine can see it: put together within a block', async () => {
		for (const sql of [
			`do $$ begin execute 'copy (select 1) to pro' || 'gram ''true'''; end $$`,
			`do $$ begin execute 'alter sys' || 'tem set work_mem = ''8MB'''; end $$`,
			`do $$ begin execute 'create table' || 'space t location ''/tmp'''; end $$`,
		]) {
			await expect(database.script(owner, sql)).rejects.toThrow(
				/could not execute|cannot be executed|not allowed|not permitted/,
			);
		}
	});

	it('leaves a database that can be closed and opened again, with all its contents', async () => {
		await database.close();
		database = await WorkerDatabase.open({directory, timeout: 60_000});
		const [result] = await database.run(owner, [{text: 'select body from kept'}]);
		expect(result?.rows).toEqual([{body: 'here'}]);
	});
});

describe('a file that keeps PostgreSQL from starting', () => {
	it('is moved aside at the start, which says so', async () => {
		const data = join(folder, 'home');
		await newDirectory(join(folder, 'made'));
		mkdirSync(data);
		renameSync(join(folder, 'made'), join(data, 'pg'));
		for (const name of ['recovery.signal', 'standby.signal']) writeFileSync(join(data, 'pg', name), '');
		const said: string[] = [];
		const opened = await openDatabase(
			{data, state: join(folder, 'state'), logs: join(folder, 'logs')},
			{
				onProgress: () => undefined,
				log: sentence => said.push(sentence),
				onLost: () => undefined,
				onDisplaced: () => undefined,
				space: {isFull: false, look: () => undefined, release: () => undefined},
			},
		);
		await opened.database.close();
		expect(said.join('\n')).toMatch(/recovery\.signal was found[^]*standby\.signal was found/);
		expect(existsSync(join(data, 'pg/recovery.signal'))).toBe(false);
		expect(existsSync(join(data, 'recovery.signal'))).toBe(true);
	});
});
