import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, describe, expect, it} from 'vitest';
import {runSql, type Management} from '../../source/gateway/management.ts';
import {embedded} from '../../source/hub/database/postgres-url.ts';
import {transportTo} from '../../source/hub/local/transport.ts';
import {findHub} from '../../source/hub/process/find.ts';
import {runHub, type Hub} from '../../source/hub/process/run.ts';
import {placesIn} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';

const ends: (() => unknown)[] = [];
afterAll(async () => {
	for (const end of ends.toReversed()) await end();
});

/** Milliseconds that other statements of the owner may run. */
const statementTimeout = 2000;

interface Answer {
	readonly status: number;
	readonly text: string;
}

interface Owner {
	/** Posts with the service_role key. */
	readonly ask: (path: string, body: unknown, signal?: AbortSignal) => Promise<Answer>;
	readonly sql: (query: string, signal?: AbortSignal) => Promise<Answer>;
	readonly migrate: (query: string, signal?: AbortSignal) => Promise<Answer>;
	/** Stops the hub, as `agentmux hub stop` does. */
	readonly stop: () => Promise<void>;
	/** What runs in the database, as `agentmux hub status` shows it. */
	readonly running: () => Promise<readonly string[]>;
	readonly management: Management;
}

/** A hub in this process, whose owner's statements have little time. */
async function startHub(databaseUrl: string): Promise<Owner> {
	const home = mkdtempSync(join(tmpdir(), 'agentmux-upkeep-'));
	ends.push(() => rmSync(home, {recursive: true, force: true}));
	const paths = placesIn(home);
	const ignore = (): void => undefined;
	const options = {port: 0, databaseUrl, statementTimeout, log: ignore, onLost: ignore, onDisplaced: ignore};
	const hub: Hub = await runHub(paths, options);
	let closed: Promise<void> | undefined;
	const stop = (): Promise<void> => (closed ??= hub.close());
	ends.push(stop);
	const found = await findHub(paths);
	if (found === null) throw new Error('The hub is gone.');
	const {service_role_key: key} = found;
	const ask: Owner['ask'] = async (path, body, signal = new AbortController().signal) => {
		const response = await fetch(`${hub.url}${path}`, {
			method: 'POST',
			headers: {apikey: key, authorization: `Bearer ${key}`, 'content-type': 'application/json'},
			body: JSON.stringify(body),
			signal,
		});
		return {status: response.status, text: await response.text()};
	};
	const api = '/v1/projects/local/database';
	return {
		ask,
		sql: (query, signal) => ask(`${api}/query`, {query}, signal),
		migrate: (query, signal) => ask(`${api}/migrations`, {name: 'slowly', query}, signal),
		stop,
		async running() {
			return ((await findHub(paths))?.running ?? []).map(({what}) => what);
		},
		management: {url: hub.url, project_ref: 'local', token: key, transport: transportTo(found)},
	};
}

/** A function that is as slow for each row as a long history is for all, and a table with three rows. */
const long = (seconds: number): string => `
	create table public.long (n int);
	insert into public.long select generate_series(1, 3);
	create function public.slow(n int) returns int language plpgsql immutable as
		'begin perform pg_sleep(${seconds}); return n; end'`;

describe.each([
	{engine: 'PGlite', url: async (): Promise<string> => embedded},
	{
		engine: 'PostgreSQL',
		async url(): Promise<string> {
			const server = await startPostgres();
			ends.push(() => server.stop());
			return server.connectionString;
		},
	},
])('on $engine', ({url}) => {
	it('indexes, vacuums, altered tables and migrations of the owner have no time limit, and fail nobody', async () => {
		const {ask, sql, migrate} = await startHub(await url());
		const message = {content: '[CLAUDE_1] @CLAUDE_2 meanwhile'};
		// The first of a new database takes longer, on a busy machine maybe too long.
		await expect.poll(async () => (await ask('/rest/v1/messages', message)).status, {timeout: 60_000}).toBe(201);
		const begun = await sql('select pg_postmaster_start_time() as at');
		expect(await sql(long(0.8))).toEqual({status: 201, text: '[]'});
		const work: readonly (() => Promise<Answer>)[] = [
			() => sql('create index long_slow on public.long (public.slow(n))'),
			() => sql('/* again */ REINDEX table public.long'),
			() => sql('create index concurrently long_again on public.long (public.slow(n))'),
			() => sql('vacuum analyze public.long'),
			() => sql('alter table public.long add check (public.slow(n) > 0)'),
			() => migrate('create table public.later as select public.slow(n) as n from public.long'),
		];
		for (const step of work) {
			const running = step();
			const others = await Promise.all([
				ask('/rest/v1/messages', message),
				ask('/rest/v1/rpc/inbox', {p_reader: 'CLAUDE_2'}),
			]);
			expect(others).toEqual([
				{status: 201, text: ''},
				{status: 200, text: expect.any(String) as string},
			]);
			expect(await running).toMatchObject({status: expect.toBeOneOf([200, 201]) as number});
		}
		// Everything else still has its limit, and the database was never ended.
		expect((await sql('insert into public.long select 1 from pg_sleep(20)')).text).toContain('57014');
		expect(await sql('select pg_postmaster_start_time() as at')).toEqual(begun);
	});

	it('`agentmux sql` waits for a statement for as long as it runs', async () => {
		const {sql, management} = await startHub(await url());
		await sql(long(1.2));
		const timeout = 2500;
		expect(await runSql(management, 'create index long_slow on public.long (public.slow(n))', {timeout})).toEqual([]);
		expect(await runSql(management, `select to_regclass('public.long_slow')::text as index`)).toEqual([
			{index: 'long_slow'},
		]);
	});

	it('an index and a migration end with the client that asked for them, or with the hub', async () => {
		const {sql, migrate, running, stop} = await startHub(await url());
		await sql(long(600));
		const index = 'create index long_slow on public.long (public.slow(n))';
		const migration = 'create table public.later as select public.slow(n) as n from public.long';
		const isSlow = (what: string): boolean => what.includes('public.slow(n)');
		const begun = async (): Promise<void> => {
			await expect.poll(async () => (await running()).filter(isSlow), {timeout: 20_000}).toHaveLength(1);
		};
		for (const step of [sql.bind(null, index), migrate.bind(null, migration)]) {
			const client = new AbortController();
			const answer = step(client.signal).catch((error: unknown) => error);
			await begun();
			client.abort();
			expect(await answer).toBeInstanceOf(Error);
			await expect.poll(async () => (await running()).filter(isSlow), {timeout: 20_000}).toEqual([]);
		}
		expect(
			(await sql(`select to_regclass('public.long_slow') as index, to_regclass('public.later') as table`)).text,
		).toBe('[{"index":null,"table":null}]');
		const answer = migrate(migration).catch((error: unknown) => error);
		await begun();
		await stop();
		expect(await answer).toBeInstanceOf(Error);
	});
});
