import {execFileSync} from 'node:child_process';
import {mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import pg from 'pg';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';
import {Home} from '../helpers/program.ts';

/** Two machines of a team: each has a hub of its own, and both serve the one PostgreSQL. */
let server: PostgresServer;
let database: string;
let password: string;
let near: Home;
let far: Home;
const homes: Home[] = [];
const followers: (() => Promise<void>)[] = [];

const machine = async (): Promise<Home> => {
	const home = await Home.make({name: 'agentmux-team-'});
	homes.push(home);
	return home;
};

beforeAll(async () => {
	server = await startPostgres();
	database = await make('team');
	({password} = new URL(database));
	[near, far] = [await machine(), await machine()];
});

// Including those of a failed test.
afterEach(async () => {
	for (const end of followers.splice(0)) await end();
});

afterAll(async () => {
	for (const home of homes) await home.dispose();
	await server.stop();
});

/** A new database on the server; its URL. */
async function make(name: string): Promise<string> {
	await asSuperuser(server.connectionString, `create database ${name}`);
	const url = new URL(server.connectionString);
	url.pathname = `/${name}`;
	return url.href;
}

async function asSuperuser(url: string, sql: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client({connectionString: url});
	await client.connect();
	try {
		return (await client.query<Record<string, unknown>>(sql)).rows;
	} finally {
		await client.end();
	}
}

interface Follower {
	readonly bodies: string[];
	end(): Promise<void>;
}

/** `agentmux tail --follow` on that machine, from where it shows the first message. */
async function follow(home: Home): Promise<Follower> {
	const child = home.start(['tail', '--follow', '--json']);
	const bodies: string[] = [];
	let rest = '';
	child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
		const lines = `${rest}${chunk}`.split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) bodies.push((JSON.parse(line) as {body: string}).body);
	});
	const ended = new Promise(resolve => child.once('close', resolve));
	const end = async (): Promise<void> => {
		child.kill('SIGTERM');
		await ended;
	};
	followers.push(end);
	await expect.poll(() => bodies.length, {timeout: 20_000}).toBeGreaterThan(0);
	return {bodies, end};
}

interface Status {
	readonly url: string;
	readonly engine: string;
	readonly database: string;
	readonly pid: number;
}

async function keyOf(home: Home): Promise<{url: string; key: string}> {
	const text = await home.output(['hub', 'status', '-o', 'env']);
	return {
		url: /^API_URL="(.+)"$/m.exec(text)?.[1] ?? '',
		key: /^SERVICE_ROLE_KEY="(.+)"$/m.exec(text)?.[1] ?? '',
	};
}

describe('two hubs on one PostgreSQL', () => {
	it('set it up once, when both are started at the same moment on an empty database', async () => {
		const env = {AGENTMUX_DATABASE_URL: database};
		await Promise.all([near, far].map(home => home.output(['hub', 'start'], {env})));
		const {host} = new URL(database);
		for (const home of [near, far]) {
			const status = await home.json<Status>(['hub', 'status']);
			expect(status).toMatchObject({
				url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as unknown,
				engine: expect.stringMatching(/^PostgreSQL 1\d\./) as unknown,
				database: `postgres@${host}/team`,
			});
		}
		const [row] = await asSuperuser(
			database,
			'select count(*)::int as count, count(distinct version)::int as versions from supabase_migrations.schema_migrations',
		);
		const files = readdirSync(new URL('../../supabase/migrations/', import.meta.url)).length;
		expect(row).toEqual({count: files, versions: files});
	});

	it('show on one machine, live, what an agent writes on the other, and whom it is from', async () => {
		await near.output(['send', 'first']);
		const follower = await follow(far);
		const sent = Array.from({length: 20}, (_, n) => `${n}`);
		for (const n of sent) await near.output(['send', '--as', 'CLAUDE_1', n], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
		await expect.poll(() => follower.bodies, {timeout: 20_000}).toEqual(['first', ...sent]);
		await follower.end();
		const [message] = await far.json<Record<string, unknown>[]>(['search', 'from:CLAUDE_1 19']);
		expect(message).toMatchObject({tag: 'CLAUDE_1', author_tag: 'CLAUDE_1', author_kind: 'agent', verified: true});
	});

	it('give each task to one of two agents that claim on different machines', async () => {
		for (let n = 0; n < 6; n++) await near.output(['tasks', 'add', `job ${n}`]);
		const claims = await Promise.all(
			Array.from({length: 6}, (_, n) =>
				(n % 2 === 0 ? near : far).json<{id: number}>(['tasks', 'claim'], {env: {AGENTMUX_TAG: `CLAUDE_${n % 2}`}}),
			),
		);
		expect(new Set(claims.map(({id}) => id)).size).toBe(6);
	});

	it('refuse an agent on every machine that a human has revoked on one, even without asking the database', async () => {
		const folder = join(near.path, 'revoked');
		mkdirSync(folder);
		await near.output(['join', 'REVOKED', '--dir', folder]);
		const place = readFileSync(join(near.path, 'data/agents/REVOKED.json'), 'utf8');
		const {token} = JSON.parse(place) as {token: string};
		const {url} = await keyOf(near);
		const broadcast = async (): Promise<number> => {
			const response = await fetch(`${url}/realtime/v1/api/broadcast`, {
				method: 'POST',
				headers: {authorization: `Bearer ${token}`, 'content-type': 'application/json'},
				body: JSON.stringify({messages: [{topic: 'room', event: 'x', payload: {}}]}),
			});
			return response.status;
		};
		expect(await broadcast()).toBe(202);
		await far.output(['agents', 'revoke', 'REVOKED']);
		await expect.poll(broadcast, {timeout: 20_000}).toBe(403);
		expect(await far.output(['agents', 'restore', 'REVOKED'])).toContain('`agentmux join REVOKED` in its folder');
		await expect.poll(broadcast, {timeout: 20_000}).toBe(401);
		await near.output(['join', 'REVOKED', '--dir', folder]);
		expect(readFileSync(join(near.path, 'data/agents/REVOKED.json'), 'utf8')).not.toBe(place);
	});

	it('lose nothing and deliver each message once when the listening connection breaks', async () => {
		const follower = await follow(far);
		const before = follower.bodies.length;
		const cut = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'agentmux hub'`;
		for (let n = 0; n < 5; n++) {
			await asSuperuser(database, `insert into messages (content) values ('[SQL] before ${n}')`);
			await asSuperuser(database, cut);
			await asSuperuser(database, `insert into messages (content) values ('[SQL] after ${n}')`);
		}
		const expected = Array.from({length: 5}, (_, n) => [`before ${n}`, `after ${n}`]).flat();
		await expect.poll(() => follower.bodies.slice(before).toSorted(), {timeout: 30_000}).toEqual(expected.toSorted());
		await follower.end();
	});

	it('respond like PostgREST while the server is down, and have every acknowledged row when it is back', async () => {
		const follower = await follow(far);
		const {url, key} = await keyOf(near);
		const headers = {apikey: key, 'content-type': 'application/json'};
		const post = (n: number): Promise<Response> =>
			fetch(`${url}/rest/v1/messages`, {method: 'POST', headers, body: JSON.stringify({content: `[OUTAGE] out ${n}`})});
		const acknowledged: string[] = [];
		let crashed: Promise<void> | null = null;
		let refusal: Response | null = null;
		for (let n = 0; refusal === null; n++) {
			const response = await post(n);
			if (response.status === 201) acknowledged.push(`out ${n}`);
			else refusal = response;
			if (n === 20) crashed = server.crash();
		}
		await crashed;
		expect(refusal.status).toBe(503);
		expect(await refusal.json()).toMatchObject({code: expect.stringMatching(/^PGRST00[01]$/) as unknown, hint: null});
		for (const path of ['/rest/v1/messages', '/rest/v1/', '/rest/v1/rpc/channels']) {
			const response = await fetch(url + path, {headers});
			expect([path, response.status, response.headers.get('proxy-status')]).toEqual([
				path,
				503,
				'PostgREST; error=PGRST000',
			]);
			expect(await response.json()).toMatchObject({
				code: 'PGRST000',
				message: 'Database connection error. Retrying the connection.',
			});
		}
		expect(await near.run(['tail'])).toMatchObject({code: 1, stdout: ''});
		expect(await near.json(['hub', 'status'])).toMatchObject({
			progress: expect.stringMatching(/^The database does not answer \(.+\); trying again\.$/) as unknown,
		});
		await server.resume();
		await expect.poll(async () => (await post(-1)).status, {timeout: 20_000}).toBe(201);
		await asSuperuser(database, `insert into messages (content) values ('[OUTAGE] heard again')`);
		await expect.poll(() => follower.bodies, {timeout: 30_000}).toContain('heard again');
		// Each hub listens again when it next tries to.
		await expect.poll(() => near.json(['hub', 'status']), {timeout: 20_000}).not.toHaveProperty('progress');
		const rows = await asSuperuser(database, `select body from messages where tag = 'OUTAGE'`);
		expect(rows.map(({body}) => body)).toEqual(expect.arrayContaining(acknowledged));
		// Messages that were being sent may be there, too, but none twice.
		const seen = follower.bodies.filter(body => body.startsWith('out '));
		await follower.end();
		expect(new Set(seen).size).toBe(seen.length);
		expect(seen).toEqual(expect.arrayContaining(acknowledged));
	});

	it('reconnect by themselves to the database that they served, and to no other', async () => {
		await far.output(['hub', 'stop']);
		expect(await far.output(['tail'])).toContain('heard again');
		const other = await far.run(['tail'], {env: {AGENTMUX_DATABASE_URL: 'embedded'}});
		expect(other).toMatchObject({code: 1, stdout: ''});
		expect(other.stderr).toMatch(/serves postgres@127\.0\.0\.1:\d+\/team, not the embedded database\. Stop it/);
	});

	it('keep the password out of arguments, logs and output', async () => {
		const {pid} = await near.json<Status>(['hub', 'status']);
		const printed = [
			execFileSync('ps', ['-o', 'args=', '-p', String(pid)], {encoding: 'utf8'}),
			await near.output(['hub', 'status']),
			await near.output(['hub', 'status', '-o', 'env']),
			await near.output(['hub', 'logs']),
			await near.output(['config'], {env: {AGENTMUX_DATABASE_URL: database}}),
			readFileSync(join(near.path, 'state', 'hub.json'), 'utf8'),
			readFileSync(join(near.path, 'logs', 'hub.log'), 'utf8'),
		];
		expect(printed[0]).toContain('agentmux');
		for (const text of printed) expect(text).not.toContain(password);
		expect(printed[4]).toMatch(/hub\.database_url +postgres@127\.0\.0\.1:\d+\/team +AGENTMUX_DATABASE_URL/);
	});
});
