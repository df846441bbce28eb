import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import pg from 'pg';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {openPostgres} from '../../source/hub/postgres/open.ts';
import {parsePostgresUrl} from '../../source/hub/database/postgres-url.ts';
import {readMigrations} from '../../source/hub/schema/migrations.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';
import {generateTypes, hasSupabaseCli, supabase} from '../helpers/supabase-cli.ts';
import {differences, dumpSchema} from './dump.ts';
import {typesFile} from './types-file.ts';

async function query(connectionString: string, text: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client({connectionString});
	await client.connect();
	try {
		return (await client.query<Record<string, unknown>>(text)).rows;
	} finally {
		await client.end();
	}
}

// 140 MB: `npm run types:database` brings it along, as .ci/run does before the tests.
describe.skipIf(!hasSupabaseCli)('the real Supabase CLI on a plain PostgreSQL', () => {
	let server: PostgresServer;
	let url: string;

	beforeAll(async () => {
		server = await startPostgres();
		url = server.connectionString;
		// What a project has before its first migration.
		await query(
			url,
			`create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls;
			create publication supabase_realtime`,
		);
	});
	afterAll(() => server.stop());

	it('pushes every migration to an empty database, and has nothing to push the second time', async () => {
		const names = (await readMigrations()).current.map(({version, name}) => `${version}_${name}.sql`);
		await supabase(url, ['db', 'push', '--skip-vault']);
		const list = await supabase(url, ['migration', 'list']);
		const rows = list.split('\n').flatMap(line => {
			const [local, remote] = line.split('|').map(cell => cell.replaceAll(/[^0-9]/g, ''));
			return local?.length === 14 || remote?.length === 14 ? [[local, remote]] : [];
		});
		expect(rows).toEqual(names.map(name => [name.slice(0, 14), name.slice(0, 14)]));
		const dry = await supabase(url, ['db', 'push', '--skip-vault', '--dry-run']);
		for (const name of names) expect(dry).not.toContain(name);
	});

	it('refuses a database with former migrations until it has all of supabase/former', async () => {
		const former = new URL(url);
		former.pathname = '/former';
		await query(url, 'create database former');
		await query(former.href, 'create publication supabase_realtime');
		const folder = fileURLToPath(new URL('../../supabase/former', import.meta.url));
		// An earlier agentmux did not have all of them.
		const some = mkdtempSync(join(tmpdir(), 'agentmux-former-'));
		try {
			cpSync(folder, some, {recursive: true});
			for (const name of readdirSync(join(some, 'supabase/migrations')).sort().slice(-5)) {
				rmSync(join(some, 'supabase/migrations', name));
			}
			await supabase(former.href, ['db', 'push', '--skip-vault'], some);
		} finally {
			rmSync(some, {recursive: true});
		}
		await query(former.href, `insert into messages (content) values ('[A] of before')`);
		await expect(supabase(former.href, ['db', 'push', '--skip-vault'])).rejects.toThrow('Command failed');
		await supabase(former.href, ['db', 'push', '--skip-vault'], folder);
		await supabase(former.href, ['db', 'push', '--skip-vault']);
		const {current} = await readMigrations();
		expect(await query(former.href, 'select version from supabase_migrations.schema_migrations order by 1')).toEqual(
			current.map(({version}) => ({version})),
		);
		expect(await query(former.href, 'select tag, body from messages')).toEqual([{tag: 'A', body: 'of before'}]);
		expect(differences(await dumpSchema({as: (_, sql) => query(former.href, sql)}))).toEqual([]);
	});

	it('generates the types that the gateway is compiled with', async () => {
		expect(await generateTypes(url)).toBe(readFileSync(typesFile, 'utf8'));
	});

	it('reports only the advice that is intended', async () => {
		const text = (await supabase(url, ['db', 'advisors'])).trim();
		const advice = JSON.parse(text === '' ? '[]' : text) as {name: string; level: string; metadata: {name: string}}[];
		// They are parts of other statements: with a search_path of their own they could not be inlined.
		expect(advice.map(({level, name, metadata}) => `${level} ${name} ${metadata.name}`).toSorted()).toEqual([
			'WARN function_search_path_mutable search_words',
			'WARN function_search_path_mutable words',
		]);
	});

	it('finds nothing to lint, if the server has plpgsql_check (AGENTMUX_POSTGRES)', async ({skip}) => {
		const rows = await query(url, `select from pg_available_extensions where name = 'plpgsql_check'`);
		skip(rows.length === 0, 'no plpgsql_check');
		const findings = await supabase(url, [
			'db',
			'lint',
			'--schema',
			'public,agentmux',
			'--level',
			'warning',
			'--fail-on',
			'warning',
		]);
		expect(findings.trim()).toBe('');
	});

	it('leaves a database that a hub can serve', async () => {
		const {database} = await openPostgres(url, {log: () => undefined});
		const {label} = parsePostgresUrl(url);
		expect(label).not.toContain(new URL(url).password);
		const [result] = await database.run({role: 'service_role', claims: {role: 'service_role'}}, [
			{text: `insert into messages (content) values ('[A] pushed') returning tag, body`},
		]);
		expect(result?.rows).toEqual([{tag: 'A', body: 'pushed'}]);
		await database.close();
		const list = await supabase(url, ['migration', 'list']);
		expect(list).not.toMatch(/`\d{14}` \| +\|/);
	});
});
