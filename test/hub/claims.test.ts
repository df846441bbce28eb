import {createHmac} from 'node:crypto';
import {once} from 'node:events';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

let hub: TestHub;
beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(() => hub.stop());

/** The text of a token's claims, so that they can be JSON that JSON.stringify never writes. */
function signText(claims: string): string {
	const encode = (text: string): string => Buffer.from(text).toString('base64url');
	const unsigned = `${encode('{"alg":"HS256","typ":"JWT"}')}.${encode(claims)}`;
	return `${unsigned}.${createHmac('sha256', hub.jwtSecret).update(unsigned).digest('base64url')}`;
}

const text = (value: unknown): string => JSON.stringify(value);
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
/** Unusual values for claims, as JSON. */
const hostile: {readonly [what: string]: string} = {
	NUL: String.raw`"a\u0000b"`,
	'half a surrogate pair': String.raw`"a\ud800b"`,
	'a line of controls': text('\u0001\u001b[31m\u007f'),
	'quotes and a comment': text(`x'; drop table messages; --`),
	'20,000 characters': text('x'.repeat(20_000)),
	'20,000 characters that do not compress': text(randomText(20_000)),
	'an object': '{"a":{"b":null}}',
	'an object with NUL in a name': String.raw`{"a\u0000":1}`,
	'a list': '["a",1,null]',
	'a nest of 10,000 lists': nested(10_000),
	null: 'null',
	true: 'true',
	'a negative number': '-1',
	'a fraction': '1.5',
	'a number that no double holds': '1e400',
	'a number of 400 digits': '9'.repeat(400),
	'an empty string': '""',
};

function randomText(length: number): string {
	let seed = 1;
	return Array.from({length}, () => {
		seed = (seed * 48_271) % 2_147_483_647;
		return 'abcdefghijklmnopqrstuvwxyz0123456789'[seed % 36];
	}).join('');
}

const good: {readonly [claim: string]: string} = {
	iss: '"agentmux"',
	role: '"authenticated"',
	app_metadata: '{"agent_tag":"CLAUDE_1","kind":"agent"}',
	jti: '"one"',
	gen: '0',
};
const claim = (name: string, value: string): string =>
	`{${Object.entries({...good, [name]: value})
		.map(([key, each]) => `${text(key)}:${each}`)
		.join(',')}}`;
const inMetadata = (name: string, value: string): string =>
	claim('app_metadata', `{"agent_tag":"CLAUDE_1","kind":"agent",${text(name)}:${value}}`);

const names = [
	'iss',
	'role',
	'app_metadata',
	'jti',
	'sid',
	'gen',
	'exp',
	'nbf',
	'iat',
	'aud',
	'sub',
	'other',
	'__proto__',
	'constructor',
];
const inside = ['agent_tag', 'kind', 'other', '__proto__'];

/** The result of each way to use a token: HTTP statuses, and the results of Realtime's socket and join. */
async function ways(token: string): Promise<Record<string, number | string>> {
	const ask = async (path: string, method: string, body?: object): Promise<number> => {
		const response = await fetch(`${hub.url}${path}`, {
			method,
			headers: {apikey: hub.anonKey, authorization: `Bearer ${token}`, 'content-type': 'application/json'},
			...(body === undefined ? {} : {body: JSON.stringify(body)}),
		});
		await response.arrayBuffer();
		return response.status;
	};
	return {
		read: await ask('/rest/v1/messages?select=id&limit=1', 'GET'),
		write: await ask('/rest/v1/messages', 'POST', {content: '[CLAUDE_1] hello'}),
		call: await ask('/rest/v1/rpc/inbox_take', 'POST', {p_limit: 1}),
		sql: await ask('/rest/v1/rpc/agent_sql', 'POST', {p_query: 'select 1 as one'}),
		management: await ask('/v1/projects/agentmux/database/query', 'POST', {query: 'select 1'}),
		broadcast: await ask('/realtime/v1/api/broadcast', 'POST', {messages: [{topic: 'x', event: 'e', payload: {}}]}),
		'private broadcast': await ask('/realtime/v1/api/broadcast', 'POST', {
			messages: [{topic: 'x', event: 'e', payload: {}, private: true}],
		}),
		mcp: await ask('/mcp', 'POST', {jsonrpc: '2.0', id: 1, method: 'tools/list'}),
		renew: await ask('/agentmux/v1/tokens', 'POST', {}),
		'renew for another': await fetch(`${hub.url}/agentmux/v1/tokens`, {
			method: 'POST',
			headers: {authorization: `Bearer ${hub.serviceRoleKey}`},
			body: JSON.stringify({tag: 'CLAUDE_1', token}),
		}).then(({status}) => status),
		socket: await joinAnswer(hub.anonKey, token),
		end: await ask('/agentmux/v1/tokens', 'DELETE', {}),
	};
}

/** The response to a join with that token. */
async function joinAnswer(key: string, token: string): Promise<string> {
	const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${key}&vsn=1.0.0`);
	try {
		await once(socket, 'open');
		const payload = {
			config: {private: true, postgres_changes: [{event: '*', schema: 'public', table: 'messages'}]},
			access_token: token,
		};
		socket.send(JSON.stringify({topic: 'realtime:x', event: 'phx_join', ref: '1', join_ref: '1', payload}));
		const [data] = (await once(socket, 'message')) as [Buffer];
		const answer = JSON.parse(data.toString()) as {payload: {status: string; response: {reason?: string}}};
		return answer.payload.response.reason ?? answer.payload.status;
	} finally {
		socket.terminate();
	}
}

/** Responses with an internal error of the hub. */
function faults(said: Record<string, number | string>, what: string): string[] {
	return Object.entries(said)
		.filter(([, answer]) => (typeof answer === 'number' ? answer >= 500 : answer.includes('crashed')))
		.map(([way, answer]) => `${what}: ${way}: ${answer}`);
}

describe('a token that the hub signed, with unusual claims', () => {
	test.each(Object.entries(hostile))('is answered and never fails: %s', async (what, value) => {
		const tokens = [
			...names.map(name => [name, claim(name, value)] as const),
			...inside.map(name => [`app_metadata.${name}`, inMetadata(name, value)] as const),
		];
		for (const [name, claims] of tokens) expect(faults(await ways(signText(claims)), `${name}: ${what}`)).toEqual([]);
	});

	test('is read the same way everywhere if it names a claim twice', async () => {
		const twice = `{"role":"service_role","role":"authenticated","app_metadata":{"agent_tag":"HUMAN","agent_tag":"CLAUDE_1"}}`;
		const response = await fetch(`${hub.url}/rest/v1/messages?select=author_tag`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${signText(twice)}`,
				'content-type': 'application/json',
				prefer: 'return=representation',
			},
			body: JSON.stringify({content: '[CLAUDE_1] twice'}),
		});
		expect([response.status, await response.json()]).toEqual([201, [{author_tag: 'CLAUDE_1'}]]);
	});

	test('is refused if PostgreSQL could not store the claims', async () => {
		for (const value of [hostile['NUL'], hostile['half a surrogate pair'], hostile['a nest of 10,000 lists']]) {
			expect(new Set(Object.values(await ways(signText(claim('other', value ?? ''))))).has(401)).toBe(true);
		}
		await fc.assert(
			fc.asyncProperty(fc.jsonValue({maxDepth: 3}), async value => {
				expect(faults(await ways(signText(claim('jti', text(value)))), text(value))).toEqual([]);
			}),
			{numRuns: 15},
		);
	});
});
