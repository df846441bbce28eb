import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {fire} from '../helpers/hook.ts';
import {startAgent, type AgentClient} from '../helpers/mcp.ts';
import {Home} from '../helpers/program.ts';

// What a user and an agent see of urgent messages and of an agent that is focused, with the built program.

let home: Home;
const agents: AgentClient[] = [];
beforeAll(async () => {
	home = await Home.make();
	for (const tag of ['CLAUDE_1', 'CLAUDE_2']) {
		const folder = join(home.path, tag);
		await mkdir(folder);
		await home.output(['join', tag, '--dir', folder]);
	}
});
afterEach(async () => {
	for (const agent of agents.splice(0)) await agent.close();
	await home.run(['focus', '--all', '--off']);
});
afterAll(() => home.dispose());

async function start(tag: string): Promise<AgentClient> {
	const agent = await startAgent(home.path, tag);
	agents.push(agent);
	return agent;
}

const hook = async (event: string, input = {}) => (await fire({home: home.path, tag: 'CLAUDE_1', event, input})).stdout;

test('a focused agent gets an urgent message between its tools, and the others at the end of its turn', async () => {
	expect(await home.run(['focus', 'claude_1'])).toMatchObject({
		code: 0,
		stdout: 'Focused: CLAUDE_1.\nTo end this: `agentmux focus CLAUDE_1 --off`\n',
	});
	await hook('UserPromptSubmit', {prompt: 'go on'});
	expect((await home.run(['agents'])).stdout).toMatch(/CLAUDE_1 +agent +working, focused/);
	expect((await home.run([])).stdout).toMatch(/CLAUDE_1 {2}working, focused/);
	await home.output(['send', '--to', 'CLAUDE_1', 'this can wait']);
	expect(await hook('PostToolBatch')).toBe('');
	const other = await start('CLAUDE_2');
	const sent = await other.call('send_message', {text: 'the disk is full', to: ['CLAUDE_1'], urgent: true});
	expect(sent.text).toMatch(/^Sent to CLAUDE_1 as urgent message #\d+\.$/);
	const between = await hook('PostToolBatch');
	expect(between).toMatch(
		/#\d+ from CLAUDE_2 \(verified\), [-\d]+ [:\d]+Z, urgent \(its sender asks you to deal with it before you go on\):/,
	);
	expect(between).toContain('the disk is full');
	expect(between).not.toMatch(/this can wait|check_messages/);
	const end = await hook('Stop');
	expect(end).toContain('this can wait');
	expect(end).not.toContain('urgent');
	expect(await home.run(['focus', 'CLAUDE_1', '--off'])).toMatchObject({stdout: 'No longer focused: CLAUDE_1.\n'});
	await home.output(['send', '--to', 'CLAUDE_1', 'and this?']);
	expect(await hook('PostToolBatch')).toContain('and this?');
});

test('an urgent message goes first, and is shown as such', async () => {
	await home.output(['send', '--to', 'CLAUDE_1', 'first written']);
	const id = (await home.output(['send', '--to', 'CLAUDE_1', '--urgent', 'stop the deploy'])).trim();
	expect((await home.run(['inbox', '--as', 'CLAUDE_1'])).stdout).toMatch(
		/HUMAN[^\n]* \(urgent\) +@CLAUDE_1 stop the deploy/,
	);
	const agent = await start('CLAUDE_1');
	expect((await agent.call('check_messages')).text).toMatch(
		new RegExp(`#${id} from HUMAN [^\\n]*, urgent \\(its sender [^]*stop the deploy[^]*first written`),
	);
	expect(
		JSON.parse(await home.output(['sql', '--json', `select meta->'urgent' as urgent from messages where id = ${id}`])),
	).toEqual([{urgent: true}]);
});

test('an urgent message is still urgent when it is sent later', async () => {
	await home.output(['send', '--to', 'CLAUDE_2', '--urgent', '--in', '1h', 'call me']);
	expect((await home.run(['scheduled'])).stdout).toMatch(/ID +DUE +STATE +MESSAGE\n\d+ +[-: \d]+ +urgent +/);
});

test('an agent cannot focus itself or another one', async () => {
	const tried = await home.run(['focus', 'CLAUDE_2'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
	expect(tried).toMatchObject({
		code: expect.any(Number),
		stderr: expect.stringContaining('only a human can focus agents'),
	});
	expect(tried.code).not.toBe(0);
});

test.each([
	['focus', 'nobody'],
	['pause', 'nobody'],
	['agents', 'revoke', 'nobody'],
])('%s: a tag that has not joined keeps its letters, and is told where the tags are', async (...argv) => {
	expect(await home.run(argv)).toMatchObject({
		code: 1,
		stderr: expect.stringContaining('nobody has not joined. `agentmux agents` lists the agents.'),
	});
});
