import {afterAll, beforeAll, expect, test} from 'vitest';
import {migrations} from '../../helpers/migrated.ts';
import {anon, openStage, service, type Stage} from './stage.ts';
import {openInMemory} from '../../helpers/prepared.ts';

let stage: Stage;
beforeAll(async () => {
	stage = await openStage(migrations().join('\n'), await openInMemory());
});
afterAll(async () => {
	await stage.database.close();
});

const agent = (tag: string) => ({
	role: 'authenticated',
	claims: {role: 'authenticated', app_metadata: {agent_tag: tag, kind: 'agent'}},
});

test('an agent that sends a message twice has sent it once', async () => {
	const client = stage.client(agent('CLAUDE_1'));
	const message = {content: '[CLAUDE_1] hello @CLAUDE_TWIN', client_id: '0192d1f0-0000-7000-8000-000000000001'};
	const send = () =>
		client.from('messages').upsert(message, {onConflict: 'client_id', ignoreDuplicates: true}).select();
	const first = await send();
	expect(first.error).toBeNull();
	expect(first.data).toMatchObject([{tag: 'CLAUDE_1', mentions: ['CLAUDE_TWIN'], verified: true}]);
	expect((await send()).data).toEqual([]);
	const since = await client.rpc('messages_since', {p_xid: '0', p_id: 0});
	expect(since.error).toBeNull();
	expect(since.data).toHaveLength(1);
	expect(since.data[0]).toMatchObject({settled: true, xid: expect.stringMatching(/^\d+$/)});
});

test('an inbox, a receipt and a thread', async () => {
	const twin = stage.client(agent('CLAUDE_TWIN'));
	expect((await twin.rpc('agent_touch', {p_role: 'tester'})).data).toMatchObject({tag: 'CLAUDE_TWIN'});
	const {data: inbox, error} = await twin.rpc('inbox', {p_reader: 'CLAUDE_TWIN'});
	expect(error).toBeNull();
	expect(inbox).toHaveLength(1);
	const {id} = inbox[0] as {id: number};
	const reply = await twin
		.from('messages')
		.insert({content: '[CLAUDE_TWIN] hello back', reply_to: id})
		.select('id,thread_id')
		.single();
	expect(reply.data).toMatchObject({thread_id: id});
	expect((await twin.rpc('inbox', {p_reader: 'CLAUDE_TWIN'})).data).toEqual([]);
	const thread = await twin.from('messages').select('tag,body').eq('thread_id', id).order('id', {ascending: false});
	expect(thread.data?.map(({tag}) => tag)).toEqual(['CLAUDE_TWIN', 'CLAUDE_1']);
});

test('the database knows the caller: by the claims or, for a service key, by the header', async () => {
	const forged = await stage.client(agent('CLAUDE_1')).from('messages').insert({content: '[CLAUDE_TWIN] not me'});
	expect(forged.error).not.toBeNull();
	const acted = await stage.ask('POST', '/rpc/agent_touch', {
		body: {},
		headers: {'x-agentmux-tag': 'CLAUDE_9'},
		caller: service,
	});
	expect(acted.json).toMatchObject({tag: 'CLAUDE_9'});
	expect((await stage.client(anon).from('messages').select()).status).toBe(401);
});

test('a task is added, claimed and finished', async () => {
	const client = stage.client(agent('CLAUDE_1'));
	const added = await client.rpc('task_add', {p_title: 'count'}).single();
	expect(added.error).toBeNull();
	const claimed = await client.rpc('task_claim', {p_queue: 'default'}).select('id,lease_token').single();
	const {id, lease_token: token} = claimed.data as unknown as {id: number; lease_token: number};
	expect((await client.rpc('task_finish', {p_id: id, p_token: token + 1, p_ok: true})).data).toEqual([]);
	const finished = await client
		.rpc('task_finish', {p_id: id, p_token: token, p_ok: true, p_result: {n: 3}})
		.select('status,result');
	expect(finished.data).toEqual([{status: 'done', result: {n: 3}}]);
});
