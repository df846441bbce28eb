import {createClient} from '@supabase/supabase-js';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {startTestHub, type TestHub} from '../../helpers/hub.ts';

let hub: TestHub;
beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(async () => {
	await hub.stop();
});

const options = {auth: {persistSession: false, autoRefreshToken: false}};

test('supabase-js talks to a whole hub', async () => {
	const headers = {Authorization: `Bearer ${hub.tokenFor('CLAUDE_1')}`};
	const client = createClient(hub.url, hub.anonKey, {...options, global: {headers}});
	const sent = await client
		.from('messages')
		.insert({content: '[CLAUDE_1] über the wire ✓'})
		.select('id,body,verified')
		.single();
	expect(sent.error).toBeNull();
	expect(sent.data).toMatchObject({body: 'über the wire ✓', verified: true});
	const {count, data} = await client.from('messages').select('tag', {count: 'exact'}).limit(1);
	expect({count, data}).toEqual({count: 1, data: [{tag: 'CLAUDE_1'}]});
	expect((await client.rpc('mailbox_state').single()).error).toBeNull();
});

test('a caller without a token is refused, and HEAD has a length but no body', async () => {
	const client = createClient(hub.url, hub.anonKey, options);
	expect(await client.from('messages').select()).toMatchObject({status: 401, error: {code: '42501'}});
	const response = await fetch(`${hub.url}/rest/v1/messages?select=id`, {
		method: 'HEAD',
		headers: {apikey: hub.serviceRoleKey, prefer: 'count=exact'},
	});
	expect(response.status).toBe(200);
	expect(response.headers.get('content-range')).toBe('0-0/1');
	expect(await response.text()).toBe('');
});

test('the stock PostgREST MCP server finds what it asks for', async () => {
	const headers = {
		apikey: hub.serviceRoleKey,
		authorization: `Bearer ${hub.serviceRoleKey}`,
		'content-type': 'application/json',
		prefer: 'return=representation',
		'accept-profile': 'public',
		'content-profile': 'public',
	};
	const ask = async (method: string, path: string, body?: object) => {
		const init = {method, headers, ...(body === undefined ? {} : {body: JSON.stringify(body)})};
		return (await fetch(`${hub.url}/rest/v1${path}`, init)).json();
	};
	expect(await ask('GET', '/')).toMatchObject({
		swagger: '2.0',
		paths: {'/messages': {}},
		definitions: {messages: {properties: {content: {type: 'string'}}}},
	});
	expect(await ask('POST', '/messages', {content: '[MCP] hello'})).toMatchObject([{tag: 'MCP', verified: false}]);
	expect(await ask('GET', '/messages?tag=eq.MCP&select=content')).toEqual([{content: '[MCP] hello'}]);
});
