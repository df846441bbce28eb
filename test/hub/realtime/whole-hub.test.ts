import {createClient, REALTIME_SUBSCRIBE_STATES, type SupabaseClient} from '@supabase/supabase-js';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {startTestHub, type TestHub} from '../../helpers/hub.ts';
import {until} from './rig.ts';

let hub: TestHub;
const clients: SupabaseClient[] = [];

beforeAll(async () => {
	hub = await startTestHub();
});

afterAll(async () => {
	for (const client of clients) await client.realtime.disconnect();
	await hub.stop();
});

/** Connects like the gateway: with the anon key for the API gateway, and the agent's token for its identity. */
function connect(token: string): SupabaseClient {
	const client = createClient(hub.url, hub.anonKey, {accessToken: async () => token});
	clients.push(client);
	return client;
}

/** The contents of the messages that a token receives. */
async function listen(token: string): Promise<string[]> {
	const client = connect(token);
	await client.realtime.setAuth();
	const contents: string[] = [];
	await new Promise<void>((resolve, reject) => {
		client
			.channel('messages')
			.on('postgres_changes', {event: 'INSERT', schema: 'public', table: 'messages'}, change => {
				contents.push(String(change.new['content']));
			})
			.on('system', {}, ({status, message}: {status: string; message: string}) => {
				if (status === 'ok') resolve();
				else reject(new Error(message));
			})
			.subscribe((status, error) => {
				if (status === REALTIME_SUBSCRIBE_STATES.CHANNEL_ERROR) reject(error ?? new Error(status));
			});
	});
	return contents;
}

test('a message goes through the whole hub to everyone who may read it, live', async () => {
	const [agent, human, admin, nobody] = await Promise.all([
		listen(hub.tokenFor('CLAUDE_TWIN')),
		listen(hub.tokenFor('HUMAN', 'human')),
		listen(hub.serviceRoleKey),
		listen(hub.tokenFor('no tag')),
	]);
	const sender = connect(hub.tokenFor('CLAUDE_1'));
	const contents = Array.from({length: 30}, (_, n) => `[CLAUDE_1] ${n} @CLAUDE_TWIN`);
	for (const content of contents) {
		const {error} = await sender.from('messages').insert({content});
		expect(error).toBe(null);
	}
	await until(() => [agent, human, admin].every(heard => heard.length === contents.length));
	expect([agent, human, admin]).toEqual([contents, contents, contents]);
	expect(nobody).toEqual([]);
});

test('a revoked agent receives nothing from the next message on', async () => {
	const token = hub.tokenFor('CLAUDE_GONE');
	const gone = await listen(token);
	const admin = await listen(hub.serviceRoleKey);
	const service = createClient(hub.url, hub.serviceRoleKey);
	expect((await connect(token).rpc('agent_touch')).error).toBe(null);
	await service.from('messages').insert({content: '[CLAUDE_1] before'});
	await until(() => gone.includes('[CLAUDE_1] before'));
	const {error} = await service.from('agents').update({revoked_at: new Date().toISOString()}).eq('tag', 'CLAUDE_GONE');
	expect(error).toBe(null);
	await service.from('messages').insert({content: '[CLAUDE_1] after'});
	await until(() => admin.includes('[CLAUDE_1] after'));
	expect(gone).not.toContain('[CLAUDE_1] after');
});
