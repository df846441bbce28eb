import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {agent, engines, owner, type MigratedDatabase} from '../helpers/migrated.ts';
import {owner as scope, bootstrap} from '../../source/hub/schema/bootstrap.ts';
import {migrate, type Migration} from '../../source/hub/schema/migrations.ts';
import {makeFormer, migrations} from './former.ts';
import {engines as hubEngines} from '../hub/rest/stage.ts';
import {openInMemory} from '../helpers/prepared.ts';

const introduced = '20261201000500';
const me = agent('CLAUDE_1');

describe.each(engines)('names that agents may not take, on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
		await database.as(me, 'select mux_make_role()');
	});
	afterAll(() => database.close());

	const run = (sql: string): Promise<unknown> => database.as(me, 'select agent_sql($1)', [sql]);

	it.each([
		'create table mux_next (id int)',
		'create table "mux_" (id int)',
		'create table agentmux (id int)',
		'create table agentmux_next as select 1 as one',
		'create sequence mux_numbers',
		'create index mux_by_id on mine (id)',
		'create table innocent (id int constraint mux_unique unique)',
		'alter table mine rename to mux_mine',
		'alter index mine_pkey rename to mux_mine_pkey',
		'alter table mine rename constraint mine_pkey to agentmux_key',
	])('%s', async sql => {
		await run('create table if not exists mine (id int primary key)');
		await expect(run(sql)).rejects.toMatchObject({
			code: '42939',
			message: expect.stringMatching(/^the name .* is reserved/),
		});
		expect(
			await database.as(
				owner,
				`select relname from pg_class where relname ~ '^(mux_next|mux_$|agentmux|mux_numbers|mux_by_id|mux_unique|mux_mine|innocent)'`,
			),
		).toEqual([]);
	});

	it('are few: the names next to them are free', async () => {
		for (const name of ['muxer', 'my_mux_next', 'agent_mux']) {
			await run(`create table ${name} (id int)`);
			expect(await database.as(owner, 'select to_regclass($1) is not null as there', [name])).toEqual([{there: true}]);
			await run(`drop table ${name}`);
		}
	});
});

/** A migration of the time to come, which makes what agents might have made before. */
const later: Migration = {
	version: '20991231000000',
	name: 'later',
	sql: `create table if not exists public.mux_later (id int primary key, owner_only text);
		create index if not exists mux_later_by_owner on public.mux_later (owner_only);
		insert into agentmux.migrations (version) values ('20991231000000');`,
};
const withLater = {...migrations, current: [...migrations.current, later]};

it.each(hubEngines)(
	'on $engine a later migration creates its own tables, whatever an agent had created before the names were reserved',
	async ({open}) => {
		const database = await open();
		const run = async (text: string): Promise<readonly object[]> =>
			(await database.run(scope, [{text}]))[0]?.rows ?? [];
		const sql = (text: string): Promise<unknown> =>
			database.run({role: 'authenticated', claims: {role: 'authenticated', app_metadata: {agent_tag: 'CLAUDE_1'}}}, [
				{text: 'select agent_sql($1)', values: [text]},
			]);
		try {
			await makeFormer(database, introduced);
			await sql('create table mux_later (id int primary key, owner_only text)');
			await sql(`insert into mux_later values (1, 'kept')`);
			await sql('create sequence mux_later_by_owner');
			await migrate(database, withLater);
			expect(
				await run(
					`select r.rolname like 'agent_%' as captured from pg_class c join pg_roles r on r.oid = c.relowner where c.relname in ('mux_later', 'mux_later_by_owner')`,
				),
			).toEqual([{captured: false}, {captured: false}]);
			const [aside] = (await run(
				`select c.relname as name, obj_description(c.oid, 'pg_class') as said from pg_class c where c.relname ~ '^agent_.*mux_later$'`,
			)) as {name: string; said: string}[];
			expect(aside?.said).toBe('Was mux_later, a name that is reserved for agentmux.');
			expect(await run(`select owner_only from ${aside?.name}`)).toEqual([{owner_only: 'kept'}]);
			// And the agent goes on.
			await sql(`insert into ${aside?.name} values (2, 'more')`);
		} finally {
			await database.close();
		}
	},
);

it('relations that new migrations create in public have such names', async () => {
	const database = await openInMemory();
	const names = async (): Promise<string[]> => {
		const text = `select json_agg(c.relname order by c.relname)::text as names from pg_class as c where c.relnamespace = 'public'::regnamespace`;
		const [result] = await database.run(scope, [{text}]);
		return JSON.parse(result?.rows[0]?.['names'] as string) as string[];
	};
	try {
		await bootstrap(database);
		await migrate(database, migrations);
		const known = new Set(await names());
		await migrate(database, withLater);
		const made = (await names()).filter(name => !known.has(name));
		expect(made).toContain('mux_later');
		expect(made.filter(name => !/^(mux_|agentmux)/.test(name))).toEqual([]);
	} finally {
		await database.close();
	}
});
