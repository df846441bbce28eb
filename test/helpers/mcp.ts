import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {InMemoryTransport} from '@modelcontextprotocol/sdk/inMemory.js';
import type {RequestOptions} from '@modelcontextprotocol/sdk/shared/protocol.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {withAfterAnswer} from '../../source/mcp/session/after-answer.ts';
import {createMailboxServer} from '../../source/mcp/server.ts';
import {cli} from './program.ts';

/** What a tool answered. */
export interface Called {
	readonly isError: boolean;
	readonly text: string;
}

/** A client of one agent's server. */
export interface AgentClient {
	readonly client: Client;
	call(name: string, args?: object, options?: RequestOptions): Promise<Called>;
	close(): Promise<void>;
}

interface DeskOptions {
	/** What the client calls itself. */
	readonly name?: string;
	/** The running client. */
	readonly session?: string;
	readonly note?: () => string | null;
	readonly isAtWork?: () => boolean;
}

/** A server on that mailbox, without a process around it. Closing fails when something that follows an answer did. */
export async function openDesk(
	tag: string,
	mailbox: Mailbox,
	{name = 'claude-code', session, note = () => null, isAtWork = () => true}: DeskOptions = {},
): Promise<AgentClient> {
	const faults: unknown[] = [];
	const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
	const transport = withAfterAnswer(serverSide, {failed: error => faults.push(error)});
	const afterAnswer = transport.afterAnswer.bind(transport);
	const desk = {tag, client: session, mailbox: async () => mailbox, afterAnswer, isShared: () => false, isAtWork, note};
	await createMailboxServer(desk, '1.2.3').connect(transport);
	const client = new Client({name, version: '1'});
	await client.connect(clientSide);
	return agentClient(client, async () => {
		await transport.settled();
		await client.close();
		if (faults.length > 0) throw new AggregateError(faults, 'What follows an answer failed.');
	});
}

/** The built program as a client starts it, on the hub of that home; in `cwd`, where the agent may have joined. */
export async function startAgent(
	home: string,
	tag: string,
	env: {readonly [name: string]: string} = {},
	program = cli,
	cwd?: string,
): Promise<AgentClient & {readonly pid: number; stderr(): string}> {
	const transport = new StdioClientTransport({
		command: process.execPath,
		args: [program, 'mcp', '--as', tag],
		env: {PATH: process.env['PATH'] ?? '', AGENTMUX_HOME: home, ...env},
		stderr: 'pipe',
		...(cwd === undefined ? {} : {cwd}),
	});
	let stderr = '';
	transport.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
	const client = new Client({name: 'claude-code', version: '1'});
	await client.connect(transport);
	const {pid} = transport;
	if (pid === null) throw new Error('The server has no process.');
	return {...(await agentClient(client, () => client.close())), pid, stderr: () => stderr};
}

async function agentClient(client: Client, close: () => Promise<void>): Promise<AgentClient> {
	await client.listTools();
	return {
		client,
		async call(name, args = {}, options) {
			const result = (await client.callTool({name, arguments: {...args}}, undefined, options)) as CallToolResult;
			const [first] = result.content;
			return {
				isError: result.isError === true,
				text: first?.type === 'text' ? first.text : '',
			};
		},
		close,
	};
}
