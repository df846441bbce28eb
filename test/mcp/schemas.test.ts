import {afterAll, beforeAll, expect, test} from 'vitest';
import {openDesk, type AgentClient} from '../helpers/mcp.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

type Listed = Awaited<ReturnType<AgentClient['client']['listTools']>>['tools'][number];

let session: AgentClient;
beforeAll(async () => {
	session = await openDesk('CLAUDE_1', memoryMailbox(new MemoryServer(), {tag: 'CLAUDE_1'}));
});
afterAll(() => session.close());

const listed = async () => (await session.client.listTools()).tools;

test('has no keyword that a client refuses, and none that only costs tokens', async () => {
	const keywords = new Set<string>();
	const collect = (schema: object): void => {
		for (const [key, value] of Object.entries(schema)) {
			keywords.add(key);
			if (key === 'properties') Object.values(value as object).forEach(each => collect(each as object));
			if (key === 'items') collect(value as object);
		}
	};
	for (const {inputSchema} of await listed()) collect(inputSchema);
	expect([...keywords].toSorted()).toEqual([
		'additionalProperties',
		'description',
		'enum',
		'items',
		'properties',
		'required',
		'type',
	]);
	const properties = (await listed()).flatMap(({inputSchema}) => Object.values(inputSchema.properties ?? {}));
	for (const schema of properties) expect(schema).toHaveProperty('type', expect.any(String));
	// Claude Code has it at hand, without looking it up before an answer.
	const loaded = (await listed()).filter(({_meta}) => _meta?.['anthropic/alwaysLoad'] === true);
	expect(loaded.map(({name}) => name)).toEqual(['send_message']);
});

/** What Gemini CLI 0.61 adds to the arguments of every tool. */
const waitForPrevious = {
	type: 'boolean',
	description:
		'Set to true to wait for all previously requested tools in this turn to complete before starting. Set to false (or omit) to run in parallel. Use true when this tool depends on the output of previous tools.',
};

test.each([
	{
		client: 'codex-mcp-client',
		count: 12,
		max: 4500,
		inRequest: ({name, description, inputSchema}: Listed): object => ({
			type: 'function',
			name,
			description,
			strict: false,
			parameters: inputSchema,
		}),
	},
	{
		client: 'gemini-cli-mcp-client',
		count: 9,
		max: 6000,
		inRequest: ({name, description, inputSchema}: Listed): object => ({
			name: `mcp_agentmux_${name}`,
			description,
			parametersJsonSchema: {
				...inputSchema,
				properties: {...inputSchema.properties, wait_for_previous: waitForPrevious},
			},
		}),
	},
])(
	'the $count tools that $client sends with each request take at most $max bytes',
	async ({client, count, max, inRequest}) => {
		const desk = await openDesk('CLAUDE_1', memoryMailbox(new MemoryServer(), {tag: 'CLAUDE_1'}), {name: client});
		try {
			const {tools} = await desk.client.listTools();
			expect(tools).toHaveLength(count);
			expect(Buffer.byteLength(JSON.stringify(tools.map(inRequest)))).toBeLessThanOrEqual(max);
			// Those that are not listed can be called by whoever knows of them.
			expect(await desk.call('ack_message', {ids: [1]})).toMatchObject({
				text: expect.stringContaining('Nothing was acknowledged.'),
			});
			expect((await desk.call('search_messages', {query: 'x'})).isError).toBe(false);
		} finally {
			await desk.close();
		}
	},
);

test('an idle session with Claude Code has at most 1,100 characters: instructions, names and send_message', async () => {
	const tools = await listed();
	const send = tools.find(({name}) => name === 'send_message');
	const whole = JSON.stringify({
		name: 'mcp__agentmux__send_message',
		description: send?.description,
		input_schema: send?.inputSchema,
	});
	const names = tools.filter(tool => tool !== send).map(({name}) => `mcp__agentmux__${name}\n`);
	const instructions = `## agentmux\n${session.client.getInstructions()}\n`;
	expect([whole, ...names, instructions].join('').length).toBeLessThanOrEqual(1100);
});
