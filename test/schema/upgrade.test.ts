import {expect, it} from 'vitest';
import {owner} from '../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../source/hub/database/database.ts';
import {applyMigration, migrate, missingMigrations} from '../../source/hub/schema/migrations.ts';
import {engines} from '../hub/rest/stage.ts';
import {differences, dumpSchema} from './dump.ts';
import {makeFormer, migrations, rowsOf} from './former.ts';

const {former, current} = migrations;
const bridge = former.at(-1)!;

/** What an agentmux of that time had in its tables: rows that were written as it wrote them. */
const writes: ReadonlyArray<{since: string; sql: string}> = [
	{since: 'agents', sql: `insert into agents (tag, role, presence) values ('VERSION', 'writer', 'working')`},
	{since: 'messages', sql: `insert into messages (content) values ('[VERSION] question for @OTHER_VERSION')`},
	{
		since: 'messages',
		sql: `insert into messages (content, reply_to)
			select '[OTHER_VERSION] answer', max(id) from messages where tag = 'VERSION'`,
	},
	{
		since: 'receipts',
		sql: `insert into receipts (message_id, reader, state, acked_at)
			select max(id), 'VERSION', 'acked', now() from messages where tag = 'OTHER_VERSION'`,
	},
	{
		since: 'tasks',
		sql: `insert into tasks (title, status, result, progress) values ('job VERSION', 'done', '{"n": 1}', 1), ('waiting VERSION', 'queued', null, 0)`,
	},
];

/** All that somebody would miss, in columns that every version has. */
const kept: {readonly [table: string]: string} = {
	agents: 'tag, role order by tag',
	messages: 'id, content, tag, body, mentions, reply_to, thread_id order by id',
	receipts: 'message_id, reader, acked_at is not null as acked order by message_id',
	tasks: 'id, title, status, result, progress order by id',
};

/** The rows of the tables that exist in this version. */
async function contentsOf(database: Database): Promise<Record<string, unknown>> {
	const found: Record<string, unknown> = {};
	for (const [table, columns] of Object.entries(kept)) {
		const [there] = await rowsOf(database, `select to_regclass('public.${table}') is not null as there`);
		if (there?.['there'] !== true) continue;
		const text = `select json_agg(r)::text as rows from (select ${columns.replace(' order by', ` from ${table} order by`)}) as r`;
		found[table] = (await rowsOf(database, text))[0]?.['rows'];
	}
	return found;
}

/** Writes what can be written at this version, under its name. */
async function fill(database: Database, index: number): Promise<void> {
	const present = new Set(former.slice(0, index + 1).map(({name}) => name));
	for (const {since, sql} of writes) {
		if (present.has(since)) await database.run(owner, [{text: sql.replaceAll('VERSION', `V${index}`)}]);
	}
}

/** What must hold of a database that was brought up to date. */
async function check(database: Database): Promise<void> {
	expect(differences(await dumpSchema({as: async (_, sql) => [...(await rowsOf(database, sql))]}))).toEqual([]);
	expect(await missingMigrations(database, migrations)).toEqual([]);
	// As `supabase db push` would have it.
	const text = 'select version from supabase_migrations.schema_migrations order by version';
	expect((await rowsOf(database, text)).map(row => row['version'])).toEqual(current.map(({version}) => version));
	// What was written then is worked with now.
	await rowsOf(database, `insert into messages (content) values ('[NEW] after the upgrade')`);
	await rowsOf(database, 'select task_reap()');
	// And it can be shown to be what it was.
	await rowsOf(database, 'select seal_history()');
	const [{count} = {}] = await rowsOf(database, 'select count(*)::int from messages');
	const [seals] = await rowsOf(
		database,
		'select count(*)::int as seals, sum(messages)::int as messages, max(fault) as fault from verify_history()',
	);
	expect(seals).toEqual({seals: 1, messages: count, fault: null});
}

it.each(engines)(
	'on $engine every migration keeps all rows that were written before it, and the last leaves what a new database has',
	async ({open}) => {
		const database = await open();
		try {
			await makeFormer(database, '');
			for (const [index, migration] of former.entries()) {
				if (migration === bridge) break;
				const before = await contentsOf(database);
				await applyMigration(database, migration);
				expect([migration.name, await contentsOf(database)]).toEqual([migration.name, expect.objectContaining(before)]);
				await fill(database, index);
			}
			// Agents have functions and tables of their own in it.
			const agent = {role: 'authenticated', claims: {role: 'authenticated', app_metadata: {agent_tag: 'V0'}}} as const;
			await database.run(agent, [{text: 'select mux_make_role()'}]);
			await database.run(agent, [{text: `select agent_sql('create table of_v0 as select 1 as n')`}]);
			await rowsOf(database, `select watch_table('of_v0', 'WATCHER')`);
			const before = await contentsOf(database);
			expect(await migrate(database, migrations)).toEqual([bridge, ...current.slice(1)].map(({version}) => version));
			expect(await contentsOf(database)).toEqual(before);
			const messages = 'select count(*)::int as count from messages';
			expect(await rowsOf(database, messages)).toEqual([{count: 2 * (former.length - 2)}]);
			await database.run(agent, [{text: `select agent_sql('insert into of_v0 values (2)')`}]);
			expect(await rowsOf(database, `select body from messages where author_tag = 'SYSTEM'`)).toEqual([
				{body: 'of_v0 INSERT by V0 {"n": 2} @WATCHER'},
			]);
			await rowsOf(database, `select unwatch_table('of_v0', 'WATCHER')`);
			await check(database);
		} finally {
			await database.close();
		}
	},
	180_000,
);

// A later version's database has had the same as the one above, one migration after the other.
const versions = ['20261123000200', '20261125000350', '20261130000200', '20261201000100'].map(version =>
	former.findIndex(migration => migration.version === version),
);

it.each(engines)(
	'on $engine a database of an earlier version is brought up to date at once, with its rows',
	async ({open}) => {
		const database = await open();
		try {
			await makeFormer(database, '');
			for (const index of [...versions, former.length - 2]) {
				await emptied(database);
				await makeFormer(database, former[index + 1]!.version);
				await fill(database, index);
				const before = await contentsOf(database);
				expect(await migrate(database, migrations)).toEqual(
					[...former.slice(index + 1), ...current.slice(1)].map(({version}) => version),
				);
				expect([index, await contentsOf(database)]).toEqual([index, expect.objectContaining(before)]);
				await check(database);
			}
		} finally {
			await database.close();
		}
	},
	180_000,
);

it.each(engines)('on $engine an upgrade that was interrupted goes on', async ({open}) => {
	const database = await open();
	try {
		await makeFormer(database, bridge.version);
		for (const migration of [bridge, ...current.slice(1, 4)]) await applyMigration(database, migration);
		expect(await migrate(database, migrations)).toEqual(current.slice(4).map(({version}) => version));
		await check(database);
	} finally {
		await database.close();
	}
});

async function emptied(database: Database): Promise<void> {
	await database.script(
		owner,
		`drop schema if exists agentmux cascade; drop schema public cascade; create schema public; grant usage on schema public to anon, authenticated, service_role;
		delete from supabase_migrations.schema_migrations;`,
	);
}
