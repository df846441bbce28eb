import {readdirSync, readFileSync} from 'node:fs';
import type pg from 'pg';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {migrationsFolder, openPostgres, owner} from '../helpers/migrated.ts';

const folder = new URL('../', migrationsFolder);
let database: Awaited<ReturnType<typeof openPostgres>>;
beforeAll(async () => {
	database = await openPostgres();
});
afterAll(() => database.close());

test('what `supabase test db` runs passes', async () => {
	const {client} = await database.connect();
	for (const name of readdirSync(new URL('tests/', folder))) {
		const results: unknown = await client.query(readFileSync(new URL(`tests/${name}`, folder), 'utf8'));
		const lines = (results as pg.QueryResult<Record<string, string>>[]).flatMap(({rows}) =>
			rows.flatMap(row => Object.values(row)),
		);
		const [plan, ...checks] = lines;
		expect(plan).toBe(`1..${checks.length}`);
		expect(checks.filter((line, index) => !line.startsWith(`ok ${index + 1} - `))).toEqual([]);
	}
});

test('the seed applies to a fresh database', async () => {
	await database.clear();
	await database.script(readFileSync(new URL('seed.sql', folder), 'utf8'));
	expect(await database.as(owner, 'select tag, mentions, thread_id from messages order by id')).toEqual([
		{tag: 'CLAUDE_1', mentions: ['CLAUDE_TWIN'], thread_id: 1},
		{tag: 'CLAUDE_TWIN', mentions: [], thread_id: 1},
		{tag: 'HUMAN', mentions: ['CLAUDE_1', 'CLAUDE_TWIN'], thread_id: 3},
	]);
	expect(await database.as(owner, 'select status, message_id from tasks')).toEqual([{status: 'queued', message_id: 1}]);
});

test('migrations are named as the Supabase CLI expects, in one order', () => {
	const names = readdirSync(migrationsFolder);
	expect(names.filter(name => !/^\d{14}_[a-z_]+\.sql$/.test(name))).toEqual([]);
	expect(new Set(names.map(name => name.slice(0, 14))).size).toBe(names.length);
});
