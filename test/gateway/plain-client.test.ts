import {expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {parseStored} from '../../source/mailbox/filter/filter-parse.ts';

const requests: {readonly [name: string]: (mailbox: Mailbox) => Promise<unknown>} = {
	post: mailbox => mailbox.post({content: '[A] hé', client_id: '6b1f0a52-8d2c-4f0e-9a63-1d1f6a1f2b3c', reply_to: 4}),
	'messages of a channel': mailbox => mailbox.history({channel: 'CLAUDE_1', limit: 5}),
	'messages of a thread': mailbox => mailbox.history({thread: 3, before: 9, after: 1, oldest: true}),
	messages: mailbox => mailbox.history({}),
	changes: mailbox => mailbox.changes({from: '2026-01-01T00:00:00Z'}),
	agents: mailbox => mailbox.agents(),
	inbox: mailbox => mailbox.inbox('CLAUDE_1', {limit: 3}),
	ack: mailbox => mailbox.ack([1, 2], 'cli'),
	receipts: mailbox => mailbox.receipts([3, 3, 4]),
	tasks: mailbox =>
		mailbox.tasks.list({ids: [1], parents: [2, 3], status: ['queued'], queue: 'a&b', owner: 'CLAUDE_1', limit: 7}),
	search: mailbox => mailbox.search(parseStored('from:A "b c" -d', 0, ''), {signal: new AbortController().signal}),
	sql: mailbox => mailbox.sql(['select 1', 'select 2']),
	table: mailbox => mailbox.table('public.t'),
	cursor: mailbox => mailbox.cursor(),
};

test.each(Object.entries(requests))('%s: the request is that of supabase-js', async (_, ask) => {
	const plain = await recorded(true, ask);
	expect(plain.length).toBeGreaterThan(0);
	expect(plain).toEqual(await recorded(false, ask));
});

/** The requests that a mailbox makes, of which each is answered with no rows. */
async function recorded(isBrief: boolean, ask: (mailbox: Mailbox) => Promise<unknown>): Promise<unknown[]> {
	const made: unknown[] = [];
	const answer = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
		const headers = new Headers(init.headers);
		const named = ['apikey', 'authorization', 'accept', 'content-type', 'prefer', 'x-agentmux-tag'];
		made.push({
			address: new Request(input).url,
			method: init.method,
			body: init.body ?? undefined,
			...Object.fromEntries(named.map(name => [name, headers.get(name)])),
		});
		return Response.json([]);
	};
	const refuse = async (): Promise<never> => Promise.reject(new Error('the other client was used'));
	const mailbox = connectMailbox({
		url: 'http://127.0.0.1:1',
		key: 'key',
		token: 'a.b.c',
		actingTag: 'CLAUDE_1',
		isBrief,
		transport: {name: '', fetch: isBrief ? refuse : answer, ask: isBrief ? answer : refuse, webSocket: refuse},
	});
	// Most answers cannot be without rows, which is not what this is about.
	await ask(mailbox).catch(() => undefined);
	await mailbox.close();
	return made;
}
