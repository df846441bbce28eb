import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startAgent, type AgentClient} from '../helpers/mcp.ts';
import {cli} from '../helpers/program.ts';
import {addedIn, messagesIn, sentIn, tasksIn, tokenIn, type ShownMessage} from '../helpers/shown.ts';

let hub: TestHub;
let human: Mailbox;
let count = 0;
/** A tag of its own for each test, and its client. */
let me: string;
let agent: Awaited<ReturnType<typeof startAgent>>;
const started: AgentClient[] = [];

beforeAll(async () => {
	hub = await startTestHub();
	human = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor('HUMAN', 'human')});
});
afterAll(async () => {
	await human.close();
	await hub.stop();
});
beforeEach(async () => {
	count += 1;
	me = `AGENT_${count}`;
	agent = await start(me);
});
afterEach(async () => {
	await Promise.all(started.splice(0).map(client => client.close()));
});

async function start(tag: string, env = {}): ReturnType<typeof startAgent> {
	const client = await startAgent(hub.home, tag, env);
	started.push(client);
	return client;
}

const post = (text: string) => human.post({content: `[HUMAN] @${me} ${text}`});
const receipt = async (id: number): Promise<Receipt | undefined> =>
	(await human.receipts([id])).find(({reader}) => reader === me);
const state = (id: number, expected: object) =>
	vi.waitFor(async () => expect(await receipt(id)).toMatchObject(expected), {timeout: 20_000});
const sql = (query: string) => runSql({url: hub.url, project_ref: 'local', token: hub.serviceRoleKey}, query);
const lapse = () => sql('update receipts set lease_until = now() where lease_until is not null');

test('every tool answers over stdio', async () => {
	const twin = await start(`${me}_TWIN`);
	const sent = await agent.call('send_message', {text: 'count the rows?', to: [`${me}_TWIN`]});
	const id = sentIn(sent);
	expect(messagesIn(await twin.call('check_messages'))).toMatchObject([{id, from: me, provenance: 'verified'}]);
	const plan = {title: 'Count', queue: me, message_id: id, steps: [{title: 'one'}, {title: 'two'}]};
	const {steps} = addedIn(await agent.call('add_task', plan));
	const claimed = await twin.call('claim_task', {queue: me});
	expect(tokenIn(claimed)).toBe(1);
	expect(tasksIn(claimed)).toMatchObject([{id: steps[0], facts: expect.stringContaining(` by ${me}_TWIN 0%`)}]);
	const report = await twin.call('task_progress', {id: steps[0], progress: 0.5, note: 'half'});
	expect(tasksIn(report)).toMatchObject([{facts: expect.stringContaining('50%'), texts: {note: 'half'}}]);
	const done = await twin.call('finish_task', {id: steps[0], result: {rows: 3}, result_table: 'counts'});
	expect(tasksIn(done)).toMatchObject([{status: 'done'}]);
	const board = await agent.call('list_tasks', {queue: me});
	expect(board.text).toMatch(
		new RegExp(
			`#\\d+ running 50%,.* for message #${id}, added by \\w+:\n  \\| Count\n  #${steps[0]} done,.* added by \\w+:\n    \\| one\n  #${steps[1]} queued after #\\d+,.* added by \\w+:\n    \\| two$`,
		),
	);
	const whole = await agent.call('list_tasks', {id: steps[0]});
	expect(tasksIn(whole)).toMatchObject([{texts: {result: '{"rows":3}', 'result table': 'counts'}}]);
	await twin.call('send_message', {text: '3 rows', reply_to: id});
	expect(messagesIn(await agent.call('wait_for_message'))).toMatchObject([{text: '3 rows', reply_to: id}]);
	expect(messagesIn(await agent.call('read_thread', {id}))).toHaveLength(2);
	const [found] = messagesIn(await agent.call('search_messages', {query: '"3 rows"'}));
	expect((await agent.call('ack_message', {ids: [found?.id]})).text).toBe(`Acknowledged: #${found?.id}.`);
	const {text} = await agent.call('list_agents');
	for (const tag of [`${me} (you)`, `${me}_TWIN`]) expect(text).toContain(`\n${tag}: agent; `);
	expect(agent.stderr()).toBe('');
	expect(twin.stderr()).toBe('');
});

describe('a message of 262,144 bytes', () => {
	test('is cut by check_messages, and read_thread gives all of it in pieces', async () => {
		const lead = `[HUMAN] @${me} `;
		const body = '🙂 "é"\n'.repeat(30_000);
		let text = body.slice(0, 150_000);
		while (Buffer.byteLength(lead + text) > 262_144) text = text.slice(0, -1);
		text = text.replace(/[\uD800-\uDBFF]$/, '');
		text = text.padEnd(text.length + 262_144 - Buffer.byteLength(lead + text), 'x');
		const {id, content} = await human.post({content: lead + text});
		expect(Buffer.byteLength(content)).toBe(262_144);
		const checked = await agent.call('check_messages');
		expect(JSON.stringify(checked.text).length).toBeLessThan(50_000);
		const [first] = messagesIn(checked) as [ShownMessage];
		expect(checked.text).toContain(
			`(cut: read_thread with id ${id} and text_from ${first.text.length} returns the other`,
		);
		let read = first.text;
		let rest = first.rest;
		while (rest !== undefined) {
			const called = await agent.call('read_thread', {id, text_from: Number(/text_from (\d+)/.exec(rest)?.[1])});
			const [piece] = messagesIn(called) as [ShownMessage];
			read += piece.text;
			rest = piece.rest;
		}
		expect(`[HUMAN] ${read}`).toBe(content);
		// Beside it there would be room for others.
		expect(messagesIn(await agent.call('read_thread', {id}))).toMatchObject([
			{id, text: expect.stringMatching(/^@/), rest: expect.any(String)},
		]);
		await state(id, {state: 'delivered', attempts: 1});
	});
});

test('two agents acknowledge the same message', async () => {
	const twin = await start(`${me}_TWIN`);
	// Who has not joined gets nothing that is for everyone.
	await vi.waitFor(
		async () => {
			const joined = (await human.agents()).map(({tag}) => tag);
			expect(joined).toEqual(expect.arrayContaining([me, `${me}_TWIN`]));
		},
		{timeout: 20_000},
	);
	const {id} = await human.post({content: '[HUMAN] for everyone'});
	for (const client of [agent, twin]) expect(messagesIn(await client.call('check_messages'))).toMatchObject([{id}]);
	const acked = await Promise.all([agent.call('ack_message', {ids: [id]}), twin.call('ack_message', {ids: [id]})]);
	for (const {text} of acked) expect(text).toBe(`Acknowledged: #${id}.`);
	const receipts = (await human.receipts([id])).filter(({reader}) => reader.startsWith(me));
	expect(receipts.map(({state}) => state)).toEqual(['acked', 'acked']);
});

test('what a session that was killed had not acknowledged is handed to the next one when the lease has run out', async () => {
	const {id} = await post('do not lose this');
	expect(messagesIn(await agent.call('check_messages'))).toMatchObject([{id}]);
	await state(id, {state: 'delivered', attempts: 1});
	process.kill(agent.pid, 'SIGKILL');
	const next = await start(me);
	expect((await next.call('check_messages')).text).toContain(`You already have #${id}, still open`);
	await lapse();
	expect(messagesIn(await next.call('check_messages'))).toMatchObject([{id, text: `@${me} do not lose this`}]);
	await state(id, {state: 'delivered', attempts: 2});
	await next.call('ack_message', {ids: [id]});
	await lapse();
	expect((await next.call('check_messages')).text).toBe(`No new messages for ${me}.`);
});

test('where nobody reads the answer, nothing counts as delivered', async () => {
	const {id} = await post('into the void');
	const child = spawn(process.execPath, [cli, 'mcp', '--as', me], {
		env: {...process.env, AGENTMUX_HOME: hub.home},
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const say = (method: string, params: object, own?: number): boolean =>
		child.stdin.write(`${JSON.stringify({jsonrpc: '2.0', method, params, ...(own === undefined ? {} : {id: own})})}\n`);
	say('initialize', {protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {name: 'test', version: '1'}}, 1);
	await once(child.stdout, 'data');
	say('notifications/initialized', {});
	child.stdout.destroy();
	child.stdin.on('error', () => undefined);
	say('tools/call', {name: 'check_messages', arguments: {}}, 2);
	await once(child, 'exit');
	expect(await receipt(id)).toMatchObject({state: 'taken', attempts: 0, takes: 1});
	// It was released, so there is no wait for a lease.
	expect(messagesIn(await agent.call('check_messages'))).toMatchObject([{id, again: 2}]);
	await state(id, {state: 'delivered', attempts: 1});
});

describe('wait_for_message', () => {
	test('hands over what somebody else had taken and did not hand over', async () => {
		const {id} = await post('taken by a hook that was killed');
		const twin = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(me)});
		await twin.take({route: 'tools', takeId: 'killed'});
		const told: object[] = [];
		const onprogress = (progress: object): void => void told.push(progress);
		const waiting = agent.call('wait_for_message', {timeout_seconds: 50}, {onprogress});
		await vi.waitFor(() => expect(told).toHaveLength(1), {timeout: 20_000});
		await lapse();
		expect(messagesIn(await waiting)).toMatchObject([{id, again: 2}]);
		await twin.close();
	});

	test('hands over what comes while it waits, and says meanwhile that it does', async () => {
		const told: object[] = [];
		const onprogress = (progress: object): void => void told.push(progress);
		const waiting = agent.call('wait_for_message', {timeout_seconds: 50}, {onprogress});
		await vi.waitFor(() => expect(told).toHaveLength(1), {timeout: 20_000});
		const {id} = await post('wake up');
		const called = await waiting;
		expect(messagesIn(called)).toMatchObject([{id, text: `@${me} wake up`}]);
		expect(told[0]).toMatchObject({total: 50, message: `Waiting for a message for ${me}.`});
		await state(id, {state: 'delivered', route: 'mcp'});
	});

	test('takes nothing after the client has cancelled it', async () => {
		const giveUp = new AbortController();
		const waiting = agent.call(
			'wait_for_message',
			{timeout_seconds: 50},
			{signal: giveUp.signal, onprogress: () => giveUp.abort()},
		);
		await expect(waiting).rejects.toThrow(/abort/i);
		// Answered after the cancellation was read.
		await agent.call('list_agents');
		const {id} = await post('later');
		await sleep(300);
		expect(await receipt(id)).toBeUndefined();
		expect(messagesIn(await agent.call('check_messages'))).toMatchObject([{id}]);
	});
});

test('a task is finished by the server that was started after the one that claimed it', async () => {
	await agent.call('add_task', {title: 'x', queue: me});
	const [{id} = {id: 0}] = tasksIn(await agent.call('claim_task', {queue: me, lease_seconds: 60}));
	await agent.close();
	const next = await start(me);
	expect((await next.call('task_progress', {id, progress: 0.9})).text).toContain(`\n#${id} running by ${me} 90%`);
	expect(tasksIn(await next.call('finish_task', {id}))).toMatchObject([{id, status: 'done'}]);
	// Its answer may have been lost: the same once more is the same finish.
	expect(tasksIn(await next.call('finish_task', {id}))).toMatchObject([{id, status: 'done'}]);
	expect((await next.call('finish_task', {id, ok: false, reason: 'no'})).text).toMatch(
		/already finished with a different outcome/,
	);
	const stranger = await start('STRANGER');
	expect((await stranger.call('finish_task', {id})).text).toMatch(
		new RegExp(`^Task #${id} is done\\. You have not claimed it`),
	);
});

test('what the database rejects is an error that says why', async () => {
	await agent.call('add_task', {title: 'x', queue: me});
	const [{id} = {id: 0}] = tasksIn(await agent.call('claim_task', {queue: me}));
	const large = await agent.call('finish_task', {id, result: {text: 'x'.repeat(1_100_000)}});
	expect(large).toMatchObject({isError: true, text: expect.stringContaining('tasks_result_at_most_1048576_bytes')});
	const orphan = await agent.call('add_task', {title: 'x', parent_id: 9_000_000});
	expect(orphan).toMatchObject({
		isError: true,
		text: expect.stringMatching(
			/^Task 9000000, of which this is to be a step, does not exist\. Look up the id first, with .*list_tasks/,
		),
	});
});

describe('a client that says who it is', () => {
	const terminal = (number: number) => ({
		CLAUDE_CODE_ENTRYPOINT: 'cli',
		CLAUDE_CODE_MESSAGING_SOCKET: join(hub.home, `${number}.sock`),
		CLAUDE_CODE_MESSAGING_TOKEN: 'a token',
	});
	const row = async () => (await human.agents()).find(({tag}) => tag === me);
	const bell = () => readFileSync(join(hub.home, 'state/bells', me), 'utf8');

	test('is woken by file when mail comes and it is idle, then by socket, and is then known as one that cannot be woken', async () => {
		// It would be woken for what other tests have left.
		await sql('delete from tasks');
		await start(me, terminal(1));
		await vi.waitFor(async () => expect(await row()).toMatchObject({sessions: 1, wake: 'bell'}), {timeout: 20_000});
		const heard: string[] = [];
		const socket = createServer(connection => {
			connection.setEncoding('utf8').on('data', (chunk: string) => heard.push(chunk));
			connection.on('end', () => connection.end());
		});
		socket.listen(join(hub.home, '1.sock'));
		await once(socket, 'listening');
		const {id} = await post('wake up');
		await vi.waitFor(() => expect(Date.parse(bell().trim())).toBeGreaterThan(0), {timeout: 20_000});
		await vi.waitFor(async () => expect(await row()).toMatchObject({wake: 'socket'}), {timeout: 30_000});
		await vi.waitFor(() => expect(heard.join('').split('\n')).toHaveLength(3));
		const [auth = '', said = ''] = heard.join('').split('\n');
		expect(JSON.parse(auth)).toEqual({type: 'auth', token: 'a token'});
		expect(JSON.parse(said)).toEqual({
			type: 'user',
			message: {role: 'user', content: `1 new message for ${me} in the agentmux mailbox, from HUMAN (#${id}).`},
		});
		// Nobody takes it.
		await vi.waitFor(async () => expect(await row()).toMatchObject({wake: null}), {timeout: 30_000});
		socket.close();
	});

	test('is told about another client of its tag, until that one ends', async () => {
		const one = await start(me, terminal(1));
		const other = await start(me, terminal(2));
		const hint = async (client: AgentClient): Promise<string> => (await client.call('check_messages')).text;
		const told = expect.stringContaining(`Another client is currently using the tag ${me}`) as string;
		await vi.waitFor(async () => expect(await hint(other)).toEqual(told), {timeout: 20_000});
		await vi.waitFor(async () => expect(await hint(one)).toEqual(told), {timeout: 20_000});
		const {text} = await one.call('list_agents');
		expect(text).toContain(`${me} (you): agent; idle, last seen`);
		expect(text).toContain('; 2 clients share its inbox');
		await other.close();
		await vi.waitFor(async () => expect(await hint(one)).not.toEqual(told), {timeout: 20_000});
		expect(await row()).toMatchObject({sessions: 1});
	});
});
