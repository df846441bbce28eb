import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import {once} from 'node:events';
import {createClient} from '@supabase/supabase-js';
import {findHub} from '../../source/hub/process/find.ts';
import {transportTo} from '../../source/hub/local/transport.ts';
import type {Busy} from '../../source/mailbox/event.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {onPostgres} from '../helpers/engine.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {Home} from '../helpers/program.ts';

let hub: TestHub;
beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(() => hub.stop());

const mailboxes: Mailbox[] = [];
afterAll(() => Promise.all(mailboxes.map(mailbox => mailbox.close())));

const owner = 'the owner of the database';
const waitsForOwner =
	/^agentmux: Waiting for the database: a statement of the owner of the database has been running for \d+ s; see `agentmux hub status`\.$/;

async function sql(query: string): Promise<{readonly status: number; readonly text: string}> {
	const response = await fetch(`${hub.url}/v1/projects/local/database/query`, {
		method: 'POST',
		headers: {authorization: `Bearer ${hub.serviceRoleKey}`, 'content-type': 'application/json'},
		body: JSON.stringify({query}),
	});
	return {status: response.status, text: await response.text()};
}

test("`hub cancel` ends the owner's statements, prints them, and everyone is served again", async () => {
	const home = Home.at(hub.home);
	expect(await home.output(['hub', 'cancel'])).toBe('The owner has no running statement.\n');
	const query = `create table public.half (n int); select pg_sleep(100)`;
	const long = sql(query);
	const found = await findHub(hub.paths);
	if (found === null) throw new Error('The hub is gone.');
	const mailbox = connectMailbox({url: hub.url, key: hub.serviceRoleKey, transport: transportTo(found)});
	mailboxes.push(mailbox);
	const told: (Busy | null)[] = [];
	mailbox.watchBusy(busy => told.push(busy));
	const running = async (): Promise<unknown> => (await findHub(hub.paths))?.running;
	await expect.poll(running, {timeout: 20_000}).toContainEqual(expect.objectContaining({who: owner}));
	// On PGlite everyone waits for it, and is told so; on PostgreSQL no one does.
	const waiting = mailbox.channels().catch((error: unknown) => error);
	const command = home.start(['agents']);
	command.stdin.end();
	let remarks = '';
	command.stderr.on('data', (chunk: Buffer) => {
		remarks += chunk.toString();
	});
	const served = once(command, 'exit');
	if (onPostgres) await waiting;
	else {
		await vi.waitUntil(() => told.at(-1)?.who === owner, {timeout: 20_000});
		await vi.waitUntil(() => remarks !== '', {timeout: 60_000});
	}
	const began = performance.now();
	const cancelled = await home.output(['hub', 'cancel']);
	expect(cancelled).toMatch(/^Cancelled after \d+ s, the owner of the database: .*select pg_sleep\(100\)\n$/m);
	const {status, text} = await long;
	expect([status, text]).toEqual([400, expect.stringContaining('canceling statement due to user request')]);
	expect(performance.now() - began).toBeLessThan(60_000);
	const client = createClient(hub.url, hub.anonKey, {
		global: {headers: {authorization: `Bearer ${hub.tokenFor('A')}`}},
	});
	const {data, error} = await client.from('messages').insert({content: '[A] served again'}).select('body');
	expect({data, error}).toEqual({data: [{body: 'served again'}], error: null});
	expect(await waiting).not.toBeInstanceOf(Error);
	expect(told.at(-1) ?? null).toBeNull();
	// The command waited, said why, once, and was then served.
	expect(await served).toEqual([0, null]);
	const waited = remarks.split('\n').filter(line => line.includes('Waiting'));
	expect(waited.map(line => waitsForOwner.test(line))).toEqual(onPostgres ? [] : [true]);
	// It was rolled back.
	expect((await sql(`select to_regclass('public.half') as half`)).text).toBe('[{"half":null}]');
	expect(await home.json(['hub', 'cancel'])).toEqual({cancelled: []});
});

test('tokens of agents and humans cannot cancel anything', async () => {
	for (const key of [hub.anonKey, hub.tokenFor('CLAUDE_1'), hub.tokenFor('HUMAN', 'human')]) {
		const headers = {authorization: `Bearer ${key}`};
		expect((await fetch(`${hub.url}/agentmux/v1/cancel`, {method: 'POST', headers})).status).toBe(401);
	}
});
