import {expect, it} from 'vitest';
import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../source/hub/database/database.ts';
import {applyMigration, migrate, readMigrations, type Migration} from '../../source/hub/schema/migrations.ts';
import {engines} from '../hub/rest/stage.ts';

const migrations = await readMigrations();

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

async function rowOf(database: Database, text: string): Promise<Readonly<Record<string, unknown>> | undefined> {
	const [result] = await database.run(owner, [{text}]);
	return result?.rows[0];
}

/** The rows of the tables that exist in this version. */
async function rowsOf(database: Database): Promise<Record<string, unknown>> {
	const found: Record<string, unknown> = {};
	for (const [table, columns] of Object.entries(kept)) {
		const there = await rowOf(database, `select to_regclass('public.${table}') is not null as there`);
		if (there?.['there'] !== true) continue;
		const text = `select json_agg(r)::text as rows from (select ${columns.replace(' order by', ` from ${table} order by`)}) as r`;
		found[table] = (await rowOf(database, text))?.['rows'];
	}
	return found;
}

/** Writes what can be written at this version, under its name. */
async function fill(database: Database, index: number): Promise<void> {
	const present = new Set(migrations.slice(0, index + 1).map(({name}) => name));
	for (const {since, sql} of writes) {
		if (present.has(since)) await database.run(owner, [{text: sql.replaceAll('VERSION', `V${index}`)}]);
	}
}

it.each(engines)('on $engine every migration keeps all rows that were written before it', async ({open}) => {
	const database = await open();
	try {
		await bootstrap(database);
		for (const [index, migration] of migrations.entries()) {
			const before = await rowsOf(database);
			await applyMigration(database, migration);
			expect([migration.name, await rowsOf(database)]).toEqual([migration.name, expect.objectContaining(before)]);
			await fill(database, index);
		}
		const messages = await rowOf(database, 'select count(*)::int as count from messages');
		expect(messages?.['count']).toBe(2 * (migrations.length - 1));
	} finally {
		await database.close();
	}
});

it.each(engines)(
	'on $engine a database of any earlier version is brought up to date, with its rows',
	async ({open}) => {
		const database = await open();
		try {
			await bootstrap(database);
			for (const [index] of migrations.entries()) {
				await emptied(database);
				for (const migration of migrations.slice(0, index + 1)) await applyMigration(database, migration);
				await fill(database, index);
				const before = await rowsOf(database);
				const applied = await migrate(database, migrations);
				expect(applied).toEqual(migrations.slice(index + 1).map(({version}: Migration) => version));
				expect([index, await rowsOf(database)]).toEqual([index, expect.objectContaining(before)]);
				// What was written then is worked with now.
				await database.run(owner, [
					{text: `insert into messages (content) values ('[NEW] after the upgrade')`},
					{text: 'select task_reap()'},
				]);
				// And what was written then can be shown to be what it was.
				await database.run(owner, [{text: 'select seal_history()'}]);
				const seals =
					'select count(*)::int as seals, sum(messages)::int as messages, max(fault) as fault from verify_history()';
				const {count} = (await rowOf(database, 'select count(*)::int from messages')) ?? {};
				expect(await rowOf(database, seals)).toEqual({seals: 1, messages: count, fault: null});
			}
		} finally {
			await database.close();
		}
	},
	// Each version's database runs all the migrations: their number squared.
	180_000,
);

async function emptied(database: Database): Promise<void> {
	await database.script(
		owner,
		`drop schema if exists agentmux cascade; drop schema public cascade; create schema public; grant usage on schema public to anon, authenticated, service_role;
		delete from supabase_migrations.schema_migrations;`,
	);
}
