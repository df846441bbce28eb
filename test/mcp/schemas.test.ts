import {afterAll, beforeAll, expect, test} from 'vitest';
import {openDesk, type AgentClient} from '../helpers/mcp.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

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

test('all tools together take at most 4,500 bytes of a session with Codex or Gemini CLI', async () => {
	const declarations = (await listed()).map(({name, description, inputSchema}) => ({
		name: `mcp_agentmux_${name}`,
		description,
		parametersJsonSchema: inputSchema,
	}));
	expect(Buffer.byteLength(JSON.stringify(declarations))).toBeLessThanOrEqual(4500);
});

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
