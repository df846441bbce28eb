import {execFile} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {promisify} from 'node:util';
import {createClient} from '@supabase/supabase-js';
import pg from 'pg';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {logFile} from '../../source/hub/files/log.ts';
import {findHub} from '../../source/hub/process/find.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';

/** Minutes in which PostgreSQL does not check for interrupts. */
const runaway = "select length(translate(repeat('a', 1000000), repeat('b', 1000000), ''))";

let server: PostgresServer;
let hub: TestHub;
let superuser: pg.Client;

beforeAll(async () => {
	server = await startPostgres();
	hub = await startTestHub({cli, env: {AGENTMUX_DATABASE_URL: server.connectionString}});
	superuser = new pg.Client({connectionString: server.connectionString});
	superuser.on('error', () => undefined);
	await superuser.connect();
});
afterAll(async () => {
	await hub.kill();
	await hub.stop();
	// A server that is only asked to end waits for what computes.
	await server.crash();
	await server.stop();
});

interface Answer {
	readonly status: number;
	readonly text: string;
}

/** As the stock Supabase server of an agent runs SQL. */
async function sql(hub: TestHub, tag: string, query: string): Promise<Answer> {
	const response = await fetch(`${hub.url}/v1/projects/local/database/query`, {
		method: 'POST',
		headers: {authorization: `Bearer ${hub.tokenFor(tag)}`, 'content-type': 'application/json'},
		body: JSON.stringify({query}),
	});
	return {status: response.status, text: await response.text()};
}

const isComputing = `query like '%agent_s%' and state = 'active' and pid <> pg_backend_pid()`;

async function computing(): Promise<number> {
	const {rows} = await superuser.query<{n: number}>(
		`select count(*)::int as n from pg_stat_activity where ${isComputing}`,
	);
	return rows[0]?.n ?? 0;
}

it("an agent's first SQL does not wait for another's that cannot be cancelled", async () => {
	// Three at the same time, one of which runs.
	const thrown = [runaway, runaway, runaway].map(query => sql(hub, 'FIRST', query));
	await expect.poll(computing, {timeout: 20_000}).toBe(1);
	expect(await sql(hub, 'SECOND', "select 'served' as is")).toEqual({status: 201, text: '[{"is":"served"}]'});
	const third = createClient(hub.url, hub.anonKey, {accessToken: () => Promise.resolve(hub.tokenFor('THIRD'))});
	expect(await third.rpc('agent_sql', {p_query: "select 'served' as is"})).toMatchObject({
		error: null,
		data: [{is: 'served'}],
	});
	// All the while.
	expect(await computing()).toBe(1);
	// The other two were refused because the agent is paused.
	const answers = (await Promise.all(thrown)).map(({status, text}) => `${status} ${text}`).toSorted();
	expect(answers).toEqual([
		expect.stringMatching(/^400 .*57014/),
		expect.stringMatching(/^429 .*requests of FIRST are paused/),
		expect.stringMatching(/^429 .*requests of FIRST are paused/),
	]);
});

it('an agent with a running statement cannot run another, even through another hub', async () => {
	expect(await computing()).toBe(1);
	const other = await startTestHub({cli, env: {AGENTMUX_DATABASE_URL: server.connectionString}});
	try {
		expect(await sql(other, 'FIRST', runaway)).toEqual({
			status: 429,
			text: expect.stringContaining('an earlier statement of FIRST is still running') as string,
		});
		expect(await sql(other, 'SECOND', "select 'served' as is")).toMatchObject({status: 201});
		expect(await computing()).toBe(1);
		// Nor did it take what the tasks of others need: where it called a function that does, it was refused.
		const taking = await sql(other, 'THIRD', `select (task_add('x', p_depends_on => array[1])).id; ${runaway}`);
		expect(taking).toMatchObject({status: 400, text: expect.stringContaining('does nothing else') as string});
		expect(await sql(other, 'SECOND', `select title from task_add('mine')`)).toMatchObject({status: 201});
		// Both say whose it is, also the one that has not begun it.
		for (const {paths} of [hub, other]) {
			await expect
				.poll(async () => (await findHub(paths))?.runaways, {timeout: 20_000})
				.toEqual([
					{who: 'FIRST', process: expect.any(Number) as number, since: expect.stringContaining('T') as string},
				]);
			expect(readFileSync(logFile(paths), 'utf8')).toMatch(
				/SQL of FIRST has run for \d+ s, does not end when it is cancelled/,
			);
		}
		const status = await promisify(execFile)(process.execPath, [cli, 'hub', 'status'], {
			env: {...process.env, AGENTMUX_HOME: other.home},
		});
		expect(status.stdout).toMatch(/^runaway +SQL of FIRST, since .*pg_ctl restart -m immediate/m);
		const mail = createClient(other.url, other.anonKey, {accessToken: () => Promise.resolve(other.tokenFor('FIRST'))});
		expect(await mail.from('messages').insert({content: '[FIRST] my mail goes on'})).toMatchObject({error: null});
	} finally {
		await other.stop();
	}
});
