import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {InMemoryTransport} from '@modelcontextprotocol/sdk/inMemory.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import type {Agent} from '../../source/mailbox/agent.ts';
import {withAfterAnswer} from '../../source/mcp/session/after-answer.ts';
import {createMailboxServer} from '../../source/mcp/server.ts';
import {fire} from '../helpers/hook.ts';
import {cli, Home} from '../helpers/program.ts';

let home: Home;
let project: string;
beforeAll(async () => {
	home = await Home.make();
	project = join(home.path, 'project');
	await mkdir(project);
	await home.output(['join', 'CLAUDE_1', '--dir', project]);
});
afterAll(() => home.dispose());

/** What each tool of an agent answers, by name; they are called in the order in which the server lists them. */
async function callAll(client: Client): Promise<Record<string, string>> {
	const args: Record<string, object> = {
		send_message: {text: 'hello'},
		check_messages: {},
		wait_for_message: {timeout_seconds: 1},
		ack_message: {ids: [1]},
		read_thread: {id: 1},
		search_messages: {query: 'hello'},
		list_agents: {},
		add_task: {title: 'a task'},
		list_tasks: {},
		claim_task: {},
		task_progress: {id: 1, progress: 0.5},
		finish_task: {id: 1},
	};
	const said: Record<string, string> = {};
	for (const {name} of (await client.listTools()).tools) {
		const {isError, content} = (await client.callTool({name, arguments: {...args[name]}})) as CallToolResult;
		const [first] = content;
		said[name] = isError === true && first?.type === 'text' ? first.text : 'no error';
	}
	expect(Object.keys(said)).toEqual(Object.keys(args));
	return said;
}

async function connect(tag: string): Promise<Client> {
	const client = new Client({name: 'test', version: '1'});
	const env = home.env() as Record<string, string>;
	const command = {command: process.execPath, args: [cli, 'mcp', '--as', tag]};
	await client.connect(new StdioClientTransport({...command, env, stderr: 'ignore'}));
	return client;
}

const hook = () => fire({home: home.path, tag: 'CLAUDE_1', event: 'PostToolBatch'});
const log = () => readFile(join(home.path, 'logs/hook.log'), 'utf8');

describe('an agent that a human revokes', () => {
	test('is refused by every tool and hook, with a remedy, from its next request on', async () => {
		const client = await connect('CLAUDE_1');
		expect(new Set(Object.values(await callAll(client)))).toEqual(new Set(['no error']));
		const said = await home.output(['agents', 'revoke', '@claude_1']);
		expect(said).toMatch(/^CLAUDE_1 is revoked: .* To let it in again: `agentmux agents restore CLAUDE_1`\n/);
		const refusal =
			'CLAUDE_1 has been revoked. A human can restore it: `agentmux agents restore CLAUDE_1`. ' +
			'Retrying will not help; do something else, or ask the human.';
		expect(new Set(Object.values(await callAll(client)))).toEqual(new Set([refusal]));
		await client.close();
		await home.output(['send', '--to', 'CLAUDE_1', 'while you were out']);
		expect(await hook()).toMatchObject({code: 0, stdout: '', stderr: ''});
		expect(await log()).toContain('CLAUDE_1 has been revoked. A human can restore it');
	});

	test('is shown as revoked, and cannot restore itself or join again', async () => {
		expect(await home.output(['agents'])).toMatch(/^CLAUDE_1 +agent +revoked /m);
		expect(await home.output([])).toMatch(/^ {2}CLAUDE_1 {2}revoked$/m);
		const own = await home.run(['agents', 'restore', 'CLAUDE_1'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
		expect(own).toMatchObject({code: 1, stderr: expect.stringContaining('CLAUDE_1 has been revoked')});
		const other = await home.run(['agents', 'restore', 'CLAUDE_1'], {env: {AGENTMUX_TAG: 'CLAUDE_2'}});
		expect(other.stderr).toBe('agentmux: Only a human may revoke and restore agents.\n');
		const again = await home.run(['join', 'CLAUDE_1', '--dir', project]);
		expect(again).toMatchObject({code: 1, stdout: ''});
		expect(again.stderr).toMatch(/^agentmux: CLAUDE_1 has been revoked\. .*agentmux agents restore CLAUDE_1/);
	});

	test('gets the mail of the meantime when it is restored', async () => {
		const agent = await home.json<Agent>(['agents', 'restore', 'CLAUDE_1']);
		expect(agent).toMatchObject({tag: 'CLAUDE_1', revoked_at: null});
		expect((await hook()).stdout).toContain('while you were out');
		expect(await home.output(['agents', 'restore', 'CLAUDE_1'])).toContain('CLAUDE_1 is restored.');
	});

	test('can be revoked once it has joined, by a tag, and not the human itself', async () => {
		const fails = async (...words: string[]) => {
			const {code, stdout, stderr} = await home.run(['agents', ...words]);
			expect(stdout).toBe('');
			expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
			return `${code} ${stderr}`;
		};
		expect(await fails('revoke', 'CLAUDE_9')).toContain('1 agentmux: CLAUDE_9 has not joined.');
		expect(await fails('revoke', 'human')).toContain('1 agentmux: You are HUMAN and cannot revoke yourself.');
		expect(await fails('revoke')).toContain('2 agentmux: Give exactly one tag.');
		expect(await fails('restore', 'A', 'B')).toContain('2 agentmux: Give exactly one tag.');
		expect(await fails('revoke', 'no tag')).toContain('2 agentmux: `no tag` (the tag to revoke) is not a tag.');
		expect(await fails('rveoke', 'A')).toContain(
			'2 agentmux: Unknown subcommand `agentmux agents rveoke`. Did you mean',
		);
	});
});

test('a token that has expired is refused by every tool, and says so', async () => {
	const env = await home.output(['hub', 'status', '-o', 'env']);
	const [url = '', key = '', secret = ''] = ['API_URL', 'ANON_KEY', 'JWT_SECRET'].map(
		name => new RegExp(`^${name}="(.*)"$`, 'm').exec(env)?.[1] ?? '',
	);
	const claims = {role: 'authenticated', app_metadata: {agent_tag: 'CLAUDE_1', kind: 'agent'}};
	const exp = Math.floor(Date.now() / 1000) - 60;
	const mailbox = connectMailbox({url, key, token: signToken(secret, {...claims, exp})});
	const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
	const transport = withAfterAnswer(serverSide, {failed: error => expect.fail(String(error))});
	const afterAnswer = transport.afterAnswer.bind(transport);
	const desk = {
		tag: 'CLAUDE_1',
		client: undefined,
		mailbox: async () => mailbox,
		afterAnswer,
		isShared: () => false,
		isAtWork: () => true,
		note: () => null,
	};
	await createMailboxServer(desk, '1').connect(transport);
	const client = new Client({name: 'test', version: '1'});
	await client.connect(clientSide);
	for (const said of Object.values(await callAll(client))) {
		expect(said).toMatch(/ rejected the key: JWT expired\. .* tell the human\.$/);
	}
	await client.close();
	await mailbox.close();
});

describe('hooks that failed', () => {
	const path = () => join(home.path, 'logs/hook.log');
	const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
	const told = async (...words: string[]) => (await home.run(words)).stderr;

	test('are shown by `agents` and the snapshot: how many, since when, why the last one, and where they are logged', async () => {
		await writeFile(`${path()}.1`, `${ago(30)} Stop --as A: long ago\n${ago(20)} Stop --as A: yesterday\n`, {
			mode: 0o600,
		});
		await writeFile(path(), `no time\n${ago(2)} Stop --as A: gave up\n${ago(1)} Stop --as B: \u001B[2Jlate.\n`, {
			mode: 0o600,
		});
		const sentence =
			/^agentmux: 3 hooks failed since [\d :-]+, the last at [\d :-]+: Stop --as B: ␛\[2Jlate\. See (.*)\.\n$/;
		for (const words of [['agents'], ['agents', '--json'], []]) {
			expect(sentence.exec(await told(...words))?.[1]).toBe(path());
		}
		await rm(`${path()}.1`);
		await writeFile(path(), `${ago(1)} Stop --as B: one\n`, {mode: 0o600});
		expect(await told('agents')).toMatch(/^agentmux: 1 hook failed at [\d :-]+: Stop --as B: one\. See /);
	});

	test('are shown when the database is back, after a hook found it down', async () => {
		await rm(path());
		expect(await told('agents')).toBe('');
		await home.output(['hub', 'stop']);
		expect(await hook()).toMatchObject({code: 0, stdout: '', stderr: ''});
		expect(await told('agents')).toMatch(
			/agentmux: 1 hook failed at .*: PostToolBatch --as CLAUDE_1: the hub is not running/,
		);
	});

	test('are not shown after a day, and never to others', async () => {
		await writeFile(path(), `${ago(1)} Stop --as B: one\n`, {mode: 0o600});
		expect(await told('send', 'hello')).toBe('');
		await writeFile(path(), `${ago(25)} Stop --as B: one\n`, {mode: 0o600});
		expect(await told('agents')).toBe('');
	});
});
