import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {fire} from '../helpers/hook.ts';
import {startAgent, type AgentClient} from '../helpers/mcp.ts';
import {Home} from '../helpers/program.ts';

// What a user and an agent see of a pause, with the built program.

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
	await home.run(['resume', '--all']);
});
afterAll(() => home.dispose());

async function start(tag: string): Promise<AgentClient> {
	const agent = await startAgent(home.path, tag);
	agents.push(agent);
	return agent;
}

const hook = () => fire({home: home.path, tag: 'CLAUDE_1', event: 'UserPromptSubmit', input: {prompt: 'go on'}});
const toldWhy =
	/^You have been paused by HUMAN since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(their reason: "the database is moved"\): no mail is handed over .* end your turn\.$/m;

test('an agent that is paused is handed nothing and told why, and all of it after it was resumed', async () => {
	const paused = await home.run(['pause', 'claude_1', '--reason', 'the database is moved']);
	expect(paused).toMatchObject({
		code: 0,
		stdout: 'Paused: CLAUDE_1.\nTo let it go on: `agentmux resume CLAUDE_1`\n',
	});
	const sent = await home.run(['send', 'hello @CLAUDE_1 and @CLAUDE_2']);
	expect(sent.stderr).toBe('agentmux: CLAUDE_1 is paused; delivered after resume.\n');
	expect((await hook()).stdout).toBe('');
	const agent = await start('CLAUDE_1');
	expect((await agent.call('check_messages')).text).toMatch(toldWhy);
	// At once, and not after the time is up.
	expect((await agent.call('wait_for_message', {timeout_seconds: 50})).text).toMatch(toldWhy);
	await home.output(['tasks', 'add', 'a task']);
	const claimed = await agent.call('claim_task');
	expect(claimed.isError).toBe(true);
	expect(claimed.text).toMatch(/^You cannot claim anything now\. You have been paused by HUMAN since /);
	const other = await start('CLAUDE_2');
	expect((await other.call('send_message', {text: 'are you there?', to: ['CLAUDE_1']})).text).toMatch(
		/\nCLAUDE_1 is paused by a human; it is delivered after resume\.$/,
	);
	expect((await other.call('list_agents')).text).toMatch(/CLAUDE_1: agent; \w+, paused by a human, last seen/);
	expect(await home.run(['resume', 'CLAUDE_1'])).toMatchObject({code: 0, stdout: 'Resumed: CLAUDE_1.\n'});
	expect((await hook()).stdout).toMatch(/hello @CLAUDE_1 and @CLAUDE_2[^]*are you there\?/);
	expect(await home.run(['resume', 'CLAUDE_1'])).toMatchObject({code: 0, stdout: 'CLAUDE_1 was not paused.\n'});
});

test('the list of agents shows who is paused, by whom and why', async () => {
	await home.output(['pause', '--all', '--reason', 'lunch']);
	const list = await home.run(['agents']);
	expect(list.stdout).toMatch(/CLAUDE_1 +agent +paused/);
	expect(list.stderr).toMatch(
		/CLAUDE_2 has been paused by HUMAN since .* \(lunch\)\. To let it go on: `agentmux resume CLAUDE_2`/,
	);
	expect(JSON.parse(await home.output(['agents', '--json']))).toContainEqual(
		expect.objectContaining({
			tag: 'CLAUDE_1',
			paused: {at: expect.any(String), by: 'HUMAN', reason: 'lunch'},
		}),
	);
	expect(await home.run([])).toMatchObject({code: 0, stdout: expect.stringMatching(/CLAUDE_1 {2}paused/)});
	const resumed = JSON.parse(await home.output(['resume', '--all', '--json'])) as {tag: string; paused: null}[];
	expect(resumed.map(({tag, paused}) => [tag, paused])).toEqual([
		['CLAUDE_1', null],
		['CLAUDE_2', null],
	]);
	expect(await home.run(['resume', '--all'])).toMatchObject({code: 0, stdout: 'No agent was paused.\n'});
});

test.each(['pause', 'resume'])('%s is for humans, and says what it needs', async name => {
	const refused = await home.run([name, 'CLAUDE_2'], {env: {CLAUDECODE: '1'}});
	expect(refused).toMatchObject({code: 1, stderr: expect.stringContaining(`only a human ${name}s agents`)});
	expect(await home.run([name])).toMatchObject({code: 2, stderr: expect.stringContaining('No agent given.')});
	expect(await home.run([name, 'A', '--all'])).toMatchObject({code: 2});
	expect(await home.run([name, 'A', 'B'])).toMatchObject({code: 2});
	expect(await home.run([name, 'NOBODY'])).toMatchObject({
		code: 1,
		stderr: expect.stringContaining('NOBODY has not joined'),
	});
});
