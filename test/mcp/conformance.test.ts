import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startBridge, type Bridge} from '../helpers/mcp-bridge.ts';
import {cli} from '../helpers/program.ts';

/** A folder with @modelcontextprotocol/inspector 2.12.0 and @modelcontextprotocol/conformance in it; without it nothing is tried. */
const tools = process.env['AGENTMUX_MCP_TOOLS'] ?? '';

interface Ran {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

function run(program: string, args: readonly string[]): Promise<Ran> {
	return new Promise(resolve => {
		const path = join(tools, 'node_modules/.bin', program);
		execFile(process.execPath, [path, ...args], {maxBuffer: 1 << 26, cwd: scratch}, (error, stdout, stderr) => {
			resolve({code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr});
		});
	});
}

let hub: TestHub;
let scratch: string;

describe.runIf(tools !== '')('with the protocol’s own tools', () => {
	beforeAll(async () => {
		scratch = await mkdtemp(join(tmpdir(), 'agentmux-mcp-'));
		hub = await startTestHub();
	});
	afterAll(async () => {
		await hub.stop();
		await rm(scratch, {recursive: true, force: true});
	});

	describe('the conformance suite', () => {
		let bridge: Bridge;
		beforeAll(async () => {
			// The suite calls tools by names of its own: ours answer to them.
			bridge = await startBridge(hub.home, 'CLAUDE_1', {
				test_simple_text: {name: 'list_agents', arguments: {}},
				test_error_handling: {name: 'read_thread', arguments: {id: 9_000_000}},
				test_tool_with_progress: {name: 'wait_for_message', arguments: {timeout_seconds: 12}},
			});
		});
		afterAll(() => bridge.stop());

		const applying = [
			'server-initialize',
			'ping',
			'tools-list',
			'tools-call-simple-text',
			'tools-call-error',
			'tools-call-with-progress',
			// Two concurrent requests in one session.
			'server-sse-multiple-streams',
			// Of the bridge, and not of a server on stdio; it shows that the suite reached nothing else.
			'dns-rebinding-protection',
		];

		/** What the server does not declare, and so refuses as a method that is not there. */
		const undeclared = {
			'logging-set-level': 'nothing is logged to the client',
			'tools-call-with-logging': 'nothing is logged to the client',
			'completion-complete': 'there are neither prompts nor resources to complete',
			'resources-list': 'messages are handed over by tools, and not read as resources',
			'resources-read-text': 'there are no resources',
			'resources-read-binary': 'there are no resources',
			'resources-templates-read': 'there are no resources',
			'resources-subscribe': 'there are no resources; wait_for_message waits',
			'resources-unsubscribe': 'there are no resources',
			'prompts-list': 'there are no prompts',
			'prompts-get-simple': 'there are no prompts',
			'prompts-get-with-args': 'there are no prompts',
			'prompts-get-embedded-resource': 'there are no prompts',
			'prompts-get-with-image': 'there are no prompts',
		};

		/** What wants a certain tool of a server that shows everything, for which we have nothing that could stand in. */
		const ofAnother = {
			'tools-call-image': 'tools answer with text and data',
			'tools-call-audio': 'tools answer with text and data',
			'tools-call-embedded-resource': 'tools answer with text and data',
			'tools-call-mixed-content': 'tools answer with text and data',
			'tools-call-sampling': 'the server asks nothing of the client’s model',
			'tools-call-elicitation': 'the server asks nothing of the user; send_message to the human does',
			'elicitation-sep1034-defaults': 'the server asks nothing of the user',
			'elicitation-sep1330-enums': 'the server asks nothing of the user',
			'json-schema-2020-12': 'no tool has a schema with $defs',
			'server-sse-polling': 'of HTTP alone: a stream that is broken off in the middle of a call',
		};

		test('has no unknown server scenario', async () => {
			const {stdout} = await run('conformance', ['list']);
			const [servers = ''] = stdout.split('Client scenarios');
			const names = [...servers.matchAll(/^ +- (\S+)/gm)].map(([, name]) => name);
			expect(new Set(names)).toEqual(new Set([...applying, ...Object.keys(undeclared), ...Object.keys(ofAnother)]));
		});

		test.each(applying)('%s passes', async scenario => {
			const {code, stdout} = await run('conformance', ['server', '--url', bridge.url, '--scenario', scenario]);
			expect(stdout).toMatch(/Passed: (\d+)\/\1, 0 failed, 0 warnings/);
			expect(code).toBe(0);
		});

		test.each(Object.entries(undeclared))(
			'%s is not declared (%s), and refused as the protocol says',
			async scenario => {
				const {code, stdout} = await run('conformance', ['server', '--url', bridge.url, '--scenario', scenario]);
				expect(code).toBe(1);
				expect(stdout).toContain('MCP error -32601: Method not found');
			},
		);
	});

	describe('the inspector', () => {
		const inspect = (...args: string[]): Promise<Ran> => {
			const own = ['-e', `AGENTMUX_HOME=${hub.home}`, '--format', 'json', ...args];
			return run('mcp-inspector', ['--cli', process.execPath, cli, 'mcp', '--as', 'CLAUDE_2', ...own]);
		};

		test('finds nothing in the schemas of the tools that clients might not understand', async () => {
			const {code, stderr, stdout} = await inspect('--method', 'tools/list', '--strict');
			expect(stderr).toBe('');
			expect(code).toBe(0);
			expect(stdout.match(/"inputSchema"/g)).toHaveLength(12);
		});

		// In an order in which each finds what it needs.
		test.each([
			['send_message', {text: 'hello', to: ['HUMAN']}, 'Sent to HUMAN as message #1.'],
			['check_messages', {}, 'No new messages for CLAUDE_2.'],
			['wait_for_message', {timeout_seconds: 1}, 'No message came for CLAUDE_2 within 1 seconds.'],
			['ack_message', {ids: [1]}, 'Acknowledged: #1.'],
			['read_thread', {id: 1}, '1 message of thread #1.'],
			['search_messages', {query: 'hello'}, '1 found, newest first.'],
			['list_agents', {}, 'You are CLAUDE_2.'],
			['add_task', {title: 'x', steps: [{title: 'y'}]}, 'Plan #1 is in queue default with the steps #2;'],
			['claim_task', {}, 'step of #1, added by CLAUDE_2:\n  | y'],
			[
				'task_progress',
				{id: 2, progress: 0.5, note: 'half'},
				'step of #1, added by CLAUDE_2:\n  | y\n  note:\n  | half',
			],
			['finish_task', {id: 2, result: {rows: 1}}, '#2 done, step of #1, added by CLAUDE_2:\n  | y\n'],
			['list_tasks', {id: 2}, '#2 done, step of #1, added by CLAUDE_2:\n  | y'],
		])('calls %s', async (name, args, text) => {
			const call = ['--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args)];
			const {code, stdout, stderr} = await inspect(...call);
			expect(stderr).toBe('');
			expect(code).toBe(0);
			const {result} = JSON.parse(stdout) as {result: {content: {text: string}[]; structuredContent?: object}};
			expect(result.content[0]?.text).toContain(text);
			expect(result.structuredContent).toBeUndefined();
		});
	});
});
