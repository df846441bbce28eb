import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import pg from 'pg';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {logFile} from '../../source/hub/files/log.ts';
import {startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';

let server: PostgresServer;
let superuser: pg.Client;
const home = temporaryHome();

const start = (url = server.connectionString): Promise<TestHub> =>
	startTestHub({home, cli, env: {AGENTMUX_DATABASE_URL: url}});

async function sql(hub: TestHub, tag: string, query: string): Promise<string> {
	const response = await fetch(`${hub.url}/v1/projects/local/database/query`, {
		method: 'POST',
		headers: {authorization: `Bearer ${hub.tokenFor(tag)}`, 'content-type': 'application/json'},
		body: JSON.stringify({query}),
	});
	return response.text();
}

const ownerOf = async (table: string, client = superuser): Promise<unknown> =>
	(await client.query('select tableowner from pg_tables where tablename = $1', [table])).rows[0]?.tableowner;

/** As a database is that was restored where there is no such role. */
async function forget(...roles: string[]): Promise<void> {
	for (const role of roles) {
		await superuser.query(`reassign owned by "${role}" to postgres; drop owned by "${role}"; drop role "${role}"`);
	}
}

beforeAll(async () => {
	server = await startPostgres();
	superuser = new pg.Client({connectionString: server.connectionString});
	superuser.on('error', () => undefined);
	await superuser.connect();
	const hub = await start();
	await sql(hub, 'CLAUDE_1', 'create table results (id int)');
	await hub.stop({keep: true});
});
afterAll(async () => {
	await superuser.end();
	await server.stop();
});

test('a database restored without the roles of agents gives them their tables back, and names those it cannot give back', async () => {
	await superuser.query(`create table older (id int); alter table older enable row level security;
		create policy agent_results on older for select to authenticated using (true)`);
	await forget('agent_CLAUDE_1');
	expect(await ownerOf('results')).toBe('postgres');
	const hub = await start();
	try {
		expect(await ownerOf('results')).toBe('agent_CLAUDE_1');
		expect(await sql(hub, 'CLAUDE_1', 'insert into results values (1) returning id')).toBe('[{"id":1}]');
		const log = readFileSync(logFile(hub.paths), 'utf8');
		expect(log).toContain('The table results belongs to CLAUDE_1 again');
		expect(log).toContain('does not say by which: older. Give one back with: alter table NAME owner to');
	} finally {
		await hub.stop({keep: true});
	}
	await superuser.query('drop table older');
});

test('a database restored without the roles of requests gets them, and is refused with what to do', async () => {
	await forget('agent_CLAUDE_1', 'result_reader', 'anon', 'authenticated', 'service_role');
	await expect(start()).rejects.toThrow(
		'was restored without its rights and policies: the roles that they are for did not exist. They exist now. Restore the dump again, into an empty database',
	);
	const {rows} = await superuser.query(
		`select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'result_reader', 'agent_CLAUDE_1')`,
	);
	expect(rows).toHaveLength(5);
	expect(
		(await superuser.query(`select pg_get_userbyid(proowner) as owner from pg_proc where proname = 'read_as_nobody'`))
			.rows,
	).toEqual([{owner: 'result_reader'}]);
});

/** Of a client that is installed; 0 where there is none. */
function majorOf(program: string): number {
	try {
		return Number(/(\d+)/.exec(execFileSync(program, ['--version'], {encoding: 'utf8'}))?.[1]);
	} catch {
		return 0;
	}
}

test('pg_dump and psql carry a mailbox into a server without its roles, at the second try', async context => {
	const {rows} = await superuser.query<{major: number}>(
		`select current_setting('server_version_num')::int / 10000 as major`,
	);
	// A pg_dump refuses servers that are newer.
	if (majorOf('pg_dump') < Number(rows[0]?.major) || majorOf('psql') === 0) context.skip();
	const [from, to] = await Promise.all([startPostgres(), startPostgres()]);
	const other = new pg.Client({connectionString: to.connectionString});
	try {
		const before = await start(from.connectionString);
		await sql(before, 'CLAUDE_1', `create table results as select 7 as id`);
		await before.stop({keep: true});
		const dump = execFileSync('pg_dump', [from.connectionString], {maxBuffer: 1e9});
		const restore = (url: string): Buffer => execFileSync('psql', ['-q', url], {input: dump, stdio: 'pipe'});
		restore(to.connectionString);
		await expect(start(to.connectionString)).rejects.toThrow('Restore the dump again');
		await other.connect();
		await other.query('create database again');
		const url = new URL(to.connectionString);
		url.pathname = '/again';
		restore(url.href);
		const after = await start(url.href);
		expect(await sql(after, 'CLAUDE_1', 'insert into results values (8) returning id')).toBe('[{"id":8}]');
		await after.stop({keep: true});
	} finally {
		await other.end().catch(() => undefined);
		await Promise.all([from.stop(), to.stop()]);
	}
});
