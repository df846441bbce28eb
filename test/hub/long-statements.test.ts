import {afterAll, beforeAll, expect, test} from 'vitest';
import {findHub} from '../../source/hub/process/find.ts';
import {onPostgres} from '../helpers/engine.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

let hub: TestHub;
beforeAll(async () => {
	hub = await startTestHub();
	const {status, text} = await sql(`
		create function public.slow() returns int language sql as 'select 1 from pg_sleep(100)';
		create view public.numbers as
			with recursive r (id) as (select 1::bigint union all select id + 1 from r) select id from r;
		grant select on public.numbers to authenticated, service_role;
		create table public.kept (n int);
		create table public.imported (n int);
		create function public.take_long() returns trigger language plpgsql as
			'begin perform pg_sleep(6); return null; end';
		create trigger take_long after insert on public.imported for each statement execute function public.take_long();
		grant select, insert on public.imported to service_role`);
	if (status !== 201) throw new Error(text);
});
afterAll(() => hub.stop());

interface Answer {
	readonly status: number;
	readonly text: string;
}

/** POSTs the body, or GETs without one. */
async function ask(token: string, path: string, body?: unknown): Promise<Answer> {
	const response = await fetch(`${hub.url}${path}`, {
		headers: {apikey: hub.anonKey, authorization: `Bearer ${token}`, 'content-type': 'application/json'},
		...(body === undefined ? {} : {method: 'POST', body: JSON.stringify(body)}),
	});
	return {status: response.status, text: await response.text()};
}

const sql = (query: string): Promise<Answer> => ask(hub.serviceRoleKey, '/v1/projects/local/database/query', {query});

/** Ends the owner's statement where it holds up nobody, so that nobody else does. */
const cancel = (): Promise<Answer> => ask(hub.serviceRoleKey, '/agentmux/v1/cancel', {});

const isRunning = async (): Promise<boolean> => {
	const {running} = (await findHub(hub.paths)) as {readonly running?: readonly unknown[]};
	return (running ?? []).length > 0;
};

/** Sends, reads and lists as several callers at once; returns the statuses. */
async function others(): Promise<number[]> {
	const answers = await Promise.all([
		ask(hub.tokenFor('CLAUDE_1'), '/rest/v1/messages', {content: '[CLAUDE_1] @CLAUDE_2 hello'}),
		ask(hub.tokenFor('CLAUDE_2'), '/rest/v1/rpc/inbox', {p_reader: 'CLAUDE_2'}),
		ask(hub.tokenFor('CLAUDE_3'), '/rest/v1/messages?select=id&limit=1'),
		ask(hub.tokenFor('HUMAN', 'human'), '/rest/v1/messages?select=id&limit=1'),
	]);
	return answers.map(({status}) => status);
}

const served = [201, 200, 200, 200];

/** What is said of a statement that was cancelled: on PostgreSQL by `cancel`, or because a human's has its own limit. */
const told = onPostgres
	? [/57014/]
	: [/57014/, /due to statement timeout/, /It ran for \d+ s while others waited\./, /page by key .*--database-url/];

for (const [what, slow] of [
	['a count', () => sql('select count(*) from generate_series(1, 2000000000000)')],
	['a sleep', () => sql('select pg_sleep(100)')],
	['a function', () => ask(hub.serviceRoleKey, '/rest/v1/rpc/slow', {})],
	['a deep offset', () => ask(hub.serviceRoleKey, '/rest/v1/numbers?select=id&offset=900000000000&limit=1')],
	["a human's deep offset", () => ask(hub.tokenFor('HUMAN', 'human'), '/rest/v1/numbers?offset=900000000000&limit=1')],
] as const) {
	test(`${what}: whoever waits is served, and the slow one told why it was cancelled`, async () => {
		const long = slow();
		await expect.poll(isRunning, {timeout: 20_000}).toBe(true);
		// On PGlite they are served as soon as it is cancelled, on PostgreSQL while it runs.
		expect(await others()).toEqual(served);
		if (onPostgres && !what.includes('human')) await cancel();
		const {text} = await long;
		for (const part of told) expect(text).toMatch(part);
		// Neither the owner nor the human is paused.
		expect(await others()).toEqual(served);
	});
}

test('what changes the database is not cancelled, and whoever waits for it is served afterwards', async () => {
	const long = sql('insert into public.kept select 1 from pg_sleep(11)');
	await expect.poll(isRunning, {timeout: 20_000}).toBe(true);
	expect(await others()).toEqual(served);
	expect(await long).toEqual({status: 201, text: '[]'});
	expect((await sql('select n from public.kept')).text).toBe('[{"n":1}]');
});

test("an owner's insert of many rows is not cancelled either", async () => {
	const rows = Array.from({length: 1000}, (_, n) => ({n}));
	const long = ask(hub.serviceRoleKey, '/rest/v1/imported', rows);
	await expect.poll(isRunning, {timeout: 20_000}).toBe(true);
	expect(await others()).toEqual(served);
	expect(await long).toEqual({status: 201, text: ''});
	expect((await sql('select count(*)::int as n from public.imported')).text).toBe('[{"n":1000}]');
});
