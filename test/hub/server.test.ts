import {request as httpRequest} from 'node:http';
import {createClient} from '@supabase/supabase-js';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {signToken} from '../../source/hub/token.ts';
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

/** Not fetch: it would not let a test say another Host. */
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

describe('who may ask', () => {
	it('takes requests for itself alone, by any of its names', async () => {
		const {port} = new URL(hub.url);
		for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
			expect([host, (await ask('/health', {headers: {host}})).status]).toEqual([host, 200]);
		}
		for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1:1', '127.0.0.1', `127.0.0.1.evil:${port}`]) {
			expect([host, (await ask('/health', {headers: {host}})).status]).toEqual([host, 403]);
		}
	});

	it('takes pages of this machine and no others, whatever key they hold', async () => {
		for (const origin of ['http://localhost:3000', 'http://127.0.0.1:8080', 'http://[::1]:5173']) {
			const {status, headers} = await ask(messages, {headers: {origin, apikey: hub.serviceRoleKey}});
			expect([status, headers['access-control-allow-origin']]).toEqual([200, origin]);
		}
		for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null', 'file://']) {
			const {status, headers} = await ask(messages, {headers: {origin, apikey: hub.serviceRoleKey}});
			expect([origin, status, headers['access-control-allow-origin']]).toEqual([origin, 403, undefined]);
		}
	});

	it('answers a preflight of such a page without a key', async () => {
		const headers = {
			origin: 'http://localhost:3000',
			'access-control-request-method': 'POST',
			'access-control-request-headers': 'apikey,authorization',
		};
		const answer = await ask('/rest/v1/messages', {method: 'OPTIONS', headers});
		expect(answer.status).toBe(200);
		expect(answer.headers['access-control-allow-headers']).toBe('apikey,authorization');
		expect(answer.headers['access-control-allow-methods']).toContain('PATCH');
	});

	it('lets no foreign page open a socket', async () => {
		const headers = {
			origin: 'https://evil.example',
			connection: 'Upgrade',
			upgrade: 'websocket',
			'sec-websocket-version': '13',
			'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
		};
		const path = `/realtime/v1/websocket?vsn=2.0.0&apikey=${hub.anonKey}`;
		expect((await ask(path, {headers})).status).toBe(403);
	});

	it('says on /health which process it is, to anyone here', async () => {
		const {status, body} = await ask('/health');
		expect([status, JSON.parse(body)]).toMatchObject([200, {status: 'ok', pid: hub.pid}]);
	});
});

describe('keys and tokens', () => {
	it('asks for a key, as the gateway of Supabase does', async () => {
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

	it('says what is wrong with a bearer, as PostgREST does', async () => {
		const expired = signToken(hub.jwtSecret, {role: 'authenticated', exp: 1});
		const {status, body, headers} = await ask(messages, {
			headers: {apikey: hub.anonKey, authorization: `Bearer ${expired}`},
		});
		expect([status, JSON.parse(body)]).toMatchObject([401, {code: 'PGRST303', message: 'JWT expired'}]);
		expect(headers['www-authenticate']).toContain('invalid_token');
	});

	it('lets no token choose a database role that is not for callers', async () => {
		for (const role of ['postgres', 'supabase_read_only_user', 'pg_write_all_data', undefined]) {
			const token = signToken(hub.jwtSecret, role === undefined ? {} : {role});
			expect([role, (await ask(messages, {headers: {apikey: token}})).status]).toEqual([role, 401]);
		}
	});
});

describe('bounds', () => {
	it('refuses a body that is too large, announced or not', async () => {
		const body = 'x'.repeat(9 * 1024 * 1024);
		const headers = {apikey: hub.serviceRoleKey, 'content-type': 'application/json'};
		const announced = await ask('/rest/v1/messages', {
			method: 'POST',
			headers: {...headers, 'content-length': `${body.length}`},
			body: '',
		}).catch((error: NodeJS.ErrnoException) => error.code);
		expect(announced).toMatchObject({status: 413});
		expect((await ask('/health')).status).toBe(200);
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

	it('writes nothing when it may only read', async () => {
		const [status] = await query({query: `insert into messages (content) values ('[A] no')`, read_only: true});
		expect(status).toBe(400);
		expect(await query({query: "select count(*)::int as n from messages where tag = 'A'", read_only: true})).toEqual([
			201,
			[{n: 0}],
		]);
	});

	it('opens to the service_role key alone', async () => {
		for (const key of [hub.anonKey, hub.tokenFor('CLAUDE_1')]) {
			expect((await query({query: 'select 1'}, key))[0]).toBe(401);
		}
	});

	it('refuses what is no request', async () => {
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
