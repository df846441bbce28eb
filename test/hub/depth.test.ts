import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {isTooDeep} from '../../source/hub/database/depth-limited-database.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

let hub: TestHub;
beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(() => hub.stop());

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

async function ask(method: string, path: string, body?: string, headers = {}): Promise<[number, unknown]> {
	const response = await fetch(`${hub.url}${path}`, {
		method,
		headers: {apikey: hub.serviceRoleKey, 'content-type': 'application/json', ...headers},
		...(body === undefined ? {} : {body}),
	});
	const text = await response.text();
	return [response.status, text === '' ? null : JSON.parse(text)];
}

/** The next request gets the right response: a stack overflow once left the database broken without an error. */
async function unharmed(): Promise<void> {
	const sql = 'select sum(n)::int as n from generate_series(1, 1000) as n';
	expect(await ask('POST', '/v1/projects/local/database/query', JSON.stringify({query: sql}))).toEqual([
		201,
		[{n: 500_500}],
	]);
	expect((await ask('GET', '/rest/v1/messages?select=id&limit=1'))[0]).toBe(200);
}

const refused = expect.objectContaining({code: '54001', message: 'stack depth limit exceeded'}) as unknown;
const query = '/v1/projects/local/database/query';

describe('values that nest too deeply are refused as PostgreSQL does it, and do no harm', () => {
	test.each([
		['a body', 'POST', '/rest/v1/messages', `{"content":"[A] x","meta":${deep(500_000)}}`, {}],
		[
			'a body with columns',
			'POST',
			'/rest/v1/messages?columns=content,meta',
			`[{"content":"[A] x","meta":${deep(90_000)}}]`,
			{prefer: 'missing=default'},
		],
		['an update', 'PATCH', '/rest/v1/messages?id=eq.0', `{"meta":${deep(150_000)}}`, {}],
		['a filter', 'GET', `/rest/v1/messages?meta=cs.${deep(20_000)}`, undefined, {}],
		['a search', 'GET', `/rest/v1/messages?body=fts.${'('.repeat(20_000)}a${')'.repeat(20_000)}`, undefined, {}],
	])('in %s', async (_, method, path, body, headers) => {
		expect(await ask(method, path, body, headers)).toEqual([400, refused]);
		await unharmed();
	});

	test.each([
		['a query', {query: `select '${deep(200_000)}'::jsonb`}],
		['a query that is not refused before', {query: `select '${deep(50_000)}'::jsonb`}],
		[
			'a function without an end',
			{
				query:
					'create function pg_temp.f(n int) returns int language plpgsql as $$ begin return pg_temp.f(n + 1); end $$; select pg_temp.f(1)',
			},
		],
		['an expression', {query: `select ${'('.repeat(200_000)}1${')'.repeat(200_000)}`}],
		['a parameter', {query: 'select $1::jsonb', parameters: [deep(200_000)]}],
	])('in %s of the owner', async (_, body) => {
		expect(await ask('POST', query, JSON.stringify(body))).toEqual([
			400,
			{message: expect.stringContaining('Failed to run sql query: ERROR:  54001: stack depth limit exceeded')},
		]);
		await unharmed();
	});

	test('in parameters that are lists of lists', async () => {
		const [status] = await ask('POST', query, `{"query":"select 1","parameters":${deep(500_000)}}`);
		expect(status).toBe(400);
		await unharmed();
	});
});

test('brackets that are never closed do not count as depth', async () => {
	const sql = `select length('${'('.repeat(50_000)}') as n`;
	expect(await ask('POST', query, JSON.stringify({query: sql}))).toEqual([201, [{n: 50_000}]]);
});

test('values that nest deeply but not too deeply are stored and returned, and brackets in strings do not count', async () => {
	const meta = {list: JSON.parse(deep(900)) as unknown, text: '[('.repeat(5000)};
	const content = `[DEEP] ${'(['.repeat(5000)}`;
	const [status, rows] = await ask('POST', '/rest/v1/messages?select=content,meta', JSON.stringify({content, meta}), {
		prefer: 'return=representation',
	});
	expect([status, rows]).toEqual([201, [{content, meta}]]);
	expect(isTooDeep(`"${'['.repeat(200_000)}"`)).toBe(false);
	expect(isTooDeep(`"\\"${'['.repeat(200_000)}`)).toBe(true);
	expect(isTooDeep(`"${'['.repeat(200_000)}`)).toBe(true);
	expect(isTooDeep('[]'.repeat(200_000))).toBe(false);
	// In linear, not quadratic time.
	expect(isTooDeep(`"${String.raw`\"`.repeat(4_000_000)}`)).toBe(false);
});
