import {expect, it} from 'vitest';
import {isOneMessage} from '../../../source/hub/rest/mail.ts';

const request = (body: string, query = '', path = '/messages', method = 'POST') => ({
	method,
	path,
	query: new URLSearchParams(query),
	headers: {},
	body: Buffer.from(body),
	caller: {role: 'authenticated', claims: {}},
});
const one = JSON.stringify({content: `[A] ${'@a '.repeat(87_000)}`});

it('is one message, of any size up to the maximum', () => {
	for (const query of ['', 'select=*', 'on_conflict=client_id&select=*', 'columns=%22content%22']) {
		expect(isOneMessage(request(one, query))).toBe(true);
	}
	expect(isOneMessage(request(`\n ${one}`))).toBe(true);
});

it.each([
	['several rows', request(`[${one}]`)],
	['more than any message', request(JSON.stringify({content: 'a'.repeat(700_000)}))],
	['rows of other tables with it', request(one, 'select=*,tasks(*)')],
	['a condition', request(one, 'content=match.(a*)*b')],
	['another table', request(one, '', '/tasks')],
	['a call', request(one, '', '/rpc/agent_sql')],
	['a change', request(one, '', '/messages', 'PATCH')],
	['no row at all', request('')],
])('%s: is not bounded by the size of a message', (_, asked) => {
	expect(isOneMessage(asked)).toBe(false);
});
