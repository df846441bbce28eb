import {request as httpRequest} from 'node:http';
import {connect} from 'node:net';
import {createClient} from '@supabase/supabase-js';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {signToken} from '../../source/hub/tokens/token.ts';
import {onPostgres} from '../helpers/engine.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

let hub: TestHub;

beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(() => hub.stop());

interface Answer {
	readonly status: number;
	readonly headers: NodeJS.Dict<string | string[]>;
	readonly body: string;
}

/** Not fetch, which does not allow a test to set Host. */
function ask(
	path: string,
	options: {method?: string; headers?: Record<string, string>; body?: string} = {},
): Promise<Answer> {
	const {method = 'GET', headers = {}, body} = options;
	return new Promise((resolve, reject) => {
		const request = httpRequest(`${hub.url}${path}`, {method, headers, agent: false}, response => {
			let text = '';
			response.on('data', (chunk: Buffer) => {
				text += chunk.toString();
			});
			response.on('end', () => resolve({status: response.statusCode ?? 0, headers: response.headers, body: text}));
			response.on('error', reject);
		});
		request.on('error', reject);
		request.end(body);
	});
}

const messages = '/rest/v1/messages?select=id';
const sign = (claims: Record<string, unknown>): string => signToken(hub.jwtSecret, claims);

describe('which requests are allowed', () => {
	it('accepts only requests addressed to it, by any of its names', async () => {
		const {port} = new URL(hub.url);
		for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
			expect([host, (await ask('/health', {headers: {host}})).status]).toEqual([host, 200]);
		}
		for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1:1', '127.0.0.1', `127.0.0.1.evil:${port}`]) {
			expect([host, (await ask('/health', {headers: {host}})).status]).toEqual([host, 403]);
		}
	});

	it('accepts pages of its own origin and no others, whatever their key', async () => {
		const {port} = new URL(hub.url);
		for (const origin of [`http://localhost:${port}`, `http://127.0.0.1:${port}`]) {
			const {status, headers} = await ask(messages, {headers: {origin, apikey: hub.serviceRoleKey}});
			expect([status, headers['access-control-allow-origin']]).toEqual([200, origin]);
		}
		const foreign = [
			'https://evil.example',
			'http://localhost.evil.example',
			'null',
			'file://',
			'http://localhost:3000',
		];
		const alike = [`https://localhost:${port}`, `http://[::1]:${port}`, `http://127.0.0.1:${port}.evil.example`, ''];
		for (const origin of [...foreign, ...alike]) {
			const {status, headers} = await ask(messages, {headers: {origin, apikey: hub.serviceRoleKey}});
			expect([origin, status, headers['access-control-allow-origin']]).toEqual([origin, 403, undefined]);
		}
	});

	it('answers a preflight of such a page without a key, and none of another', async () => {
		const preflight = (origin: string): Promise<Answer> =>
			ask('/rest/v1/messages', {
				method: 'OPTIONS',
				headers: {
					origin,
					'access-control-request-method': 'POST',
					'access-control-request-headers': 'apikey,authorization',
				},
			});
		const answer = await preflight(hub.url);
		expect(answer.status).toBe(200);
		expect(answer.headers['access-control-allow-headers']).toBe('apikey,authorization');
		expect(answer.headers['access-control-allow-methods']).toContain('PATCH');
		expect((await preflight('http://localhost:3000')).status).toBe(403);
	});

	it.each(['https://evil.example', 'http://localhost:3000', 'null'])(
		'lets no page of %s open a socket',
		async origin => {
			const headers = {
				origin,
				connection: 'Upgrade',
				upgrade: 'websocket',
				'sec-websocket-version': '13',
				'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
			};
			const path = `/realtime/v1/websocket?vsn=2.0.0&apikey=${hub.anonKey}`;
			expect((await ask(path, {headers})).status).toBe(403);
		},
	);

	it('reveals on /health only that it is running', async () => {
		const {status, body} = await ask('/health');
		expect([status, JSON.parse(body)]).toEqual([200, {status: 'ok'}]);
	});
});

describe('keys and tokens', () => {
	it("requires a key, as Supabase's gateway does", async () => {
		const {status, body} = await ask(messages);
		expect([status, JSON.parse(body)]).toMatchObject([401, {message: 'No API key found in request'}]);
	});

	it('refuses a key that it did not sign', async () => {
		const forged = signToken('another secret', {role: 'service_role'});
		for (const headers of [
			{apikey: 'nonsense'},
			{apikey: forged},
			{apikey: forged, authorization: `Bearer ${hub.anonKey}`},
		]) {
			const {status, body} = await ask(messages, {headers});
			expect([status, JSON.parse(body)]).toMatchObject([401, {message: 'Invalid API key'}]);
		}
	});

	const now = (): number => Math.floor(Date.now() / 1000);
	const agent = {role: 'authenticated'};
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const crypto = [401, 'PGRST301'] as const;
	const claims = [401, 'PGRST303'] as const;
	it.each([
		['has expired', () => sign({...agent, exp: now() - 60}), claims, 'JWT expired'],
		['is not yet valid', () => sign({...agent, nbf: now() + 60}), claims, 'JWT not yet valid'],
		['was issued in the future', () => sign({...agent, iat: now() + 60}), claims, 'JWT issued at future'],
		['expires at no number', () => sign({...agent, exp: 'soon'}), claims, "The JWT 'exp' claim must be a number"],
		[
			'is for an audience that is no text',
			() => sign({...agent, aud: 1}),
			claims,
			"The JWT 'aud' claim must be a string or an array of strings",
		],
		['another secret signed', () => signToken('another', agent), crypto, 'No suitable key or wrong key type'],
		['has two parts', () => 'a.b', crypto, 'Expected 3 parts in JWT; got 2'],
		['has three parts of noise', () => 'a.b.c', crypto, 'JWT cryptographic operation failed'],
		[
			'nobody signed',
			() => `${part({alg: 'none', typ: 'JWT'})}.${part(agent)}.`,
			crypto,
			'Wrong or unsupported encoding algorithm',
		],
		['names a role that is not there', () => sign({role: 'nobody'}), [401, '22023'], 'role "nobody" does not exist'],
	] as readonly [string, () => string, readonly [number, string], string][])(
		'says of a bearer that %s what PostgREST says',
		async (_, token, [expected, code], message) => {
			const {status, body, headers} = await ask(messages, {
				headers: {apikey: hub.anonKey, authorization: `Bearer ${token()}`},
			});
			expect([status, JSON.parse(body)]).toMatchObject([expected, {code, message, hint: null}]);
			expect([code, headers['www-authenticate']?.includes('invalid_token') ?? false]).toEqual([code, code !== '22023']);
		},
	);

	it('allows clocks to differ by half a minute, as PostgREST does', async () => {
		for (const held of [{exp: now() - 20}, {nbf: now() + 20}, {iat: now() + 20}]) {
			const authorization = `Bearer ${sign({role: 'service_role', ...held})}`;
			expect((await ask(messages, {headers: {apikey: hub.anonKey, authorization}})).status).toBe(200);
		}
	});

	it('rejects tokens with a database role that is not for clients', async () => {
		for (const role of ['postgres', 'supabase_read_only_user', 'pg_write_all_data', undefined]) {
			const token = signToken(hub.jwtSecret, role === undefined ? {} : {role});
			expect([role, (await ask(messages, {headers: {apikey: token}})).status]).toEqual([role, 401]);
		}
	});
});

describe('bounds', () => {
	const headers = (): Record<string, string> => ({apikey: hub.serviceRoleKey, 'content-type': 'application/json'});
	const alive = async (): Promise<void> => expect((await ask('/health')).status).toBe(200);

	it('takes ten megabytes, and answers them as the database does', async () => {
		const content = `[BULK] ${'x'.repeat(10_000_000)}`;
		const {status, body} = await ask('/rest/v1/messages', {
			method: 'POST',
			headers: headers(),
			body: JSON.stringify({content}),
		});
		expect([status, JSON.parse(body)]).toMatchObject([400, {code: '23514'}]);
		const rows = Array.from({length: 1000}, (_, index) => ({content: `[BULK] ${index} ${'y'.repeat(10_000)}`}));
		const many = await ask('/rest/v1/messages?select=id', {
			method: 'POST',
			headers: {...headers(), prefer: 'return=representation'},
			body: JSON.stringify(rows),
		});
		expect([many.status, (JSON.parse(many.body) as unknown[]).length]).toEqual([201, 1000]);
		await alive();
	});

	it('refuses a body that is too large, announced or not', async () => {
		const announced = await ask('/rest/v1/messages', {
			method: 'POST',
			headers: {...headers(), 'content-length': '20000000'},
			body: '',
		}).catch((error: NodeJS.ErrnoException) => error.code);
		expect(announced).toMatchObject({status: 413});
		const sent = await ask('/rest/v1/messages', {
			method: 'POST',
			headers: {...headers(), 'transfer-encoding': 'chunked'},
			body: 'x'.repeat(20_000_000),
		}).catch((error: NodeJS.ErrnoException) => error.code);
		// A client that is still writing may see the closed connection before the response.
		expect(['EPIPE', 'ECONNRESET', 413]).toContain(typeof sent === 'object' ? sent.status : sent);
		await alive();
	});

	it('answers a URL that is too long with 414, and a shorter list of ids with rows', async () => {
		const list = (length: number) => Array.from({length}, (_, index) => 100_000 + index).join(',');
		expect((await ask(`${messages}&id=in.(${list(6000)})`, {headers: headers()})).status).toBe(200);
		const agent = createClient(hub.url, hub.serviceRoleKey, {auth: {persistSession: false}});
		expect(await agent.from('messages').select('id').in('id', list(6000).split(','))).toMatchObject({status: 200});
		const long = await ask(`${messages}&id=in.(${list(100_000)})`, {headers: headers()});
		expect([long.status, JSON.parse(long.body)]).toMatchObject([414, {message: expect.stringContaining('65536')}]);
		await alive();
	});

	it('answers a list of a hundred thousand in a body', async () => {
		const ids = Array.from({length: 100_000}, (_, index) => index);
		const sql = 'select count(*)::int as n from unnest($1::int[]) as n';
		const {status, body} = await ask('/v1/projects/local/database/query', {
			method: 'POST',
			headers: headers(),
			body: JSON.stringify({query: sql, parameters: [`{${ids.join(',')}}`]}),
		});
		expect([status, JSON.parse(body)]).toEqual([201, [{n: 100_000}]]);
	});

	it('answers invalid HTTP with 400, and half a request by closing', async () => {
		const {port} = new URL(hub.url);
		const talk = (text: string, end: boolean): Promise<string> =>
			new Promise((resolve, reject) => {
				let answer = '';
				const socket = connect(Number(port), '127.0.0.1', () => (end ? socket.end(text) : socket.write(text)));
				socket.on('data', (chunk: Buffer) => {
					answer += chunk.toString();
				});
				socket.on('error', reject);
				socket.on('close', () => resolve(answer));
			});
		expect(await talk('HELLO THERE\r\n\r\n', false)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
		expect(await talk('GET /rest/v1/mess', true)).toMatch(/^(HTTP\/1\.1 400 Bad Request\r\n|$)/);
		await alive();
	});

	it('answers an unknown address with 404', async () => {
		expect((await ask('/auth/v1/user', {headers: {apikey: hub.anonKey}})).status).toBe(404);
	});
});

describe('management', () => {
	const query = async (body: object, key = hub.serviceRoleKey): Promise<[number, unknown]> => {
		const {status, body: text} = await ask('/v1/projects/local/database/query', {
			method: 'POST',
			headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
			body: JSON.stringify(body),
		});
		return [status, JSON.parse(text)];
	};

	it('gives the rows of the last statement that has any, in JSON', async () => {
		const sql = `select 1; select 42::bigint as n, 9007199254740993::bigint as big, '{"a":[1]}'::jsonb as doc,
			array[1, null]::bigint[] as list, '{{x,"y,z"}}'::text[] as words, array[true] as flags, 1.5::numeric as exact; reset role`;
		expect(await query({query: sql})).toEqual([
			201,
			[
				{
					n: 42,
					big: '9007199254740993',
					doc: {a: [1]},
					list: [1, null],
					words: [['x', 'y,z']],
					flags: [true],
					exact: '1.5',
				},
			],
		]);
	});

	it('takes parameters', async () => {
		expect(await query({query: 'select $1::int + $2::int as sum', parameters: [1, '2']})).toEqual([201, [{sum: 3}]]);
	});

	it('reports an error as a message', async () => {
		expect(await query({query: 'select * from nowhere'})).toEqual([
			400,
			{message: 'Failed to run sql query: ERROR:  42P01: relation "nowhere" does not exist'},
		]);
	});

	it('writes nothing when it is read-only', async () => {
		const [status] = await query({query: `insert into messages (content) values ('[A] no')`, read_only: true});
		expect(status).toBe(400);
		expect(await query({query: "select count(*)::int as n from messages where tag = 'A'", read_only: true})).toEqual([
			201,
			[{n: 0}],
		]);
	});

	it.each([
		'commit; delete from messages',
		'reset role; delete from messages',
		"reset role; copy (select 1) to '/tmp/escaped'",
		"set role postgres; copy (select 1) to program 'true'",
		'set local role postgres; select 1',
		'SET SESSION AUTHORIZATION postgres; select 1',
		'set session_authorization = postgres; select 1',
		"select set_config('role', 'postgres', true); delete from messages",
		"do $$ begin reset role; execute 'copy (select 1) to program ''true'''; end $$",
		"/* /* */ select */ copy (select 1) to '/tmp/escaped'",
		"-- select\n copy (select 1) to '/tmp/escaped'",
		'set transaction read write; delete from messages',
		// On a server the hub connects as whoever the URL names, who need be no superuser.
		...(onPostgres
			? []
			: [
					"select set_config('role', 'postgres', true)",
					"select set_config(name, 'postgres', true) from (values ('session_authorization')) s (name)",
					"select * from ts_stat($$select to_tsvector(set_config('role', 'postgres', true))$$)",
					// Who knows their names could put others in their place.
					'select name from pg_prepared_statements',
				]),
		'set/**/role postgres; select 1',
		String.raw`set U&"\0072ole" = postgres; select 1`,
		'set "role" to postgres; select 1',
		'with gone as (delete from messages returning id) select * from gone',
		'explain analyze delete from messages',
		'select 1; ;; checkpoint',
		'create temp table t as select 1',
		'vacuum',
		"select nextval('messages_id_seq')",
	])('can only read, whatever it runs first: %s', async sql => {
		const [status, answer] = await query({query: sql, read_only: true});
		expect([status, answer]).toMatchObject([400, {message: expect.stringMatching(/ERROR: {2}(25006|25001|42501): /)}]);
		expect((await query({query: 'select current_user::text as role', read_only: false}))[1]).toEqual([
			{role: 'postgres'},
		]);
	});

	it('allows all statements that only read', async () => {
		for (const sql of [
			'select 1 as n',
			'(select 1 as n)',
			'values (1)',
			'with one as (select 1 as n) select n from one',
			'/* a; */ -- b;\n select 1 as n;',
			"set local search_path = ''; select 1 as n",
			"set statement_timeout to 1000; set time zone 'UTC'; select 1 as n",
			'show server_version',
			'explain select 1',
			'table pg_catalog.pg_namespace',
		]) {
			expect([sql, (await query({query: sql, read_only: true}))[0]]).toEqual([sql, 201]);
		}
	});

	it('opens to the service_role key, to an agent as itself, and to nobody else', async () => {
		for (const key of [hub.anonKey, hub.tokenFor('SOMEBODY', 'human')]) {
			expect([400, 401]).toContain((await query({query: 'select 1'}, key))[0]);
		}
		const who = 'select current_user::text as role';
		expect((await query({query: who}))[1]).toEqual([{role: 'postgres'}]);
		expect((await query({query: who}, hub.tokenFor('CLAUDE_1')))[1]).not.toEqual([{role: 'postgres'}]);
	});

	it('refuses invalid requests', async () => {
		for (const body of [{}, {query: ''}, {query: 1}, {query: 'select 1\0'}, {query: 'select 1', parameters: 'x'}]) {
			expect([body, (await query(body))[0]]).toEqual([body, 400]);
		}
	});
});

describe('unmodified supabase-js', () => {
	it('inserts, selects and calls an RPC as an agent', async () => {
		const agent = createClient(hub.url, hub.anonKey, {
			accessToken: () => Promise.resolve(hub.tokenFor('CLAUDE_1')),
			auth: {persistSession: false},
		});
		const inserted = await agent.from('messages').insert({content: '[CLAUDE_1] hello @CLAUDE_TWIN'}).select().single();
		expect(inserted.error).toBeNull();
		expect(inserted.data).toMatchObject({tag: 'CLAUDE_1', mentions: ['CLAUDE_TWIN'], verified: true});
		const id = (inserted.data as {id: number}).id;
		const selected = await agent.from('messages').select('id, body').eq('id', id);
		expect(selected.data).toEqual([{id, body: 'hello @CLAUDE_TWIN'}]);
		const state = await agent.rpc('mailbox_state').single();
		expect(state.data).toMatchObject({latest_id: id});
		const forged = await agent.from('messages').insert({content: '[CLAUDE_TWIN] not me'});
		expect(forged.error).toMatchObject({code: '42501'});
	});
});
