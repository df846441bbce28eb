import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it, onTestFinished} from 'vitest';
import {readKeys} from '../../../source/hub/tokens/keys.ts';
import {signToken} from '../../../source/hub/tokens/token.ts';
import {PlayedAgent} from '../../helpers/agent.ts';
import {fire, placeAgent} from '../../helpers/hook.ts';
import {placesIn} from '../../helpers/hub.ts';
import {startAgent, type AgentClient} from '../../helpers/mcp.ts';
import {cli, Home} from '../../helpers/program.ts';
import {squat, type Squatter} from '../../helpers/squatter.ts';
import {spawn} from '../../helpers/terminal.ts';

/** The environment of a human's terminal, even if an agent runs the test. */
const human = {CLAUDECODE: undefined, CLAUDE_CODE_ENTRYPOINT: undefined};

let home: Home;
beforeAll(async () => {
	home = await Home.make();
});
afterAll(() => home.dispose());

/** Follows with `agentmux tail`: resolves once it has printed what is waited for. */
function follow(): (what: string) => Promise<void> {
	const child = home.start(['tail', '--follow'], {env: human});
	onTestFinished(() => void child.kill('SIGKILL'));
	let text = '';
	child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
	return async what => {
		await expect.poll(() => text, {timeout: 60_000, interval: 100}).toContain(what);
	};
}

/** A joined agent, whose stock Supabase server runs as its folder says. */
async function joined(tag: string, ...flags: string[]): Promise<PlayedAgent> {
	const folder = join(home.path, tag);
	mkdirSync(folder);
	await home.output(['join', tag, '--dir', folder, ...flags], {env: human});
	const agent = new PlayedAgent(home, folder);
	onTestFinished(() => agent.close());
	return agent;
}

const received = async (agent: AgentClient): Promise<string> => JSON.stringify(await agent.call('check_messages'));

it('a program that takes the port while the hub is down receives no secrets, and clients go on when the hub is back', async () => {
	const url = (await home.output(['hub', 'start'], {env: human})).trim();
	const stateFile = join(home.path, 'state', 'hub.json');
	const keys = readKeys(placesIn(home.path));
	if (keys === null) throw new Error('The hub made no keys.');
	const token = signToken(keys.jwt_secret, {
		iss: 'agentmux',
		role: 'authenticated',
		app_metadata: {agent_tag: 'HOOKED', kind: 'agent'},
	});
	placeAgent(home.path, 'HOOKED', {key: keys.anon_key, token});
	const agent = await startAgent(home.path, 'CLAUDE_1');
	onTestFinished(() => agent.close());
	const owner = await joined('OWNER', '--owner-sql');
	const agents = [owner, await joined('WORKER')];
	for (const each of agents) expect(await each.sql('select count(*)::int as n from messages')).toContain('n');
	const printed = follow();
	const screen = spawn([process.execPath, cli], {cols: 120, rows: 30, env: home.env(human)});
	onTestFinished(() => screen.kill('SIGKILL'));
	await home.output(['send', '@CLAUDE_1 before'], {env: human});
	await printed('before');
	await screen.waitFor('before', 60_000);
	expect(await received(agent)).toContain('before');

	const state = JSON.parse(readFileSync(stateFile, 'utf8')) as object;
	await home.output(['hub', 'stop'], {env: human});
	const squatter: Squatter = await squat(Number(new URL(url).port));
	onTestFinished(() => squatter.stop());
	// The state that a killed hub leaves, with the process id of the program that is listening there now.
	writeFileSync(stateFile, JSON.stringify({...state, pid: squatter.pid}), {mode: 0o600});

	expect(await fire({home: home.path, tag: 'HOOKED', event: 'UserPromptSubmit'})).toMatchObject({code: 0});
	const asked = owner.sql('select 1 as one').catch(() => 'refused');
	await home.output(['send', '@CLAUDE_1 after'], {env: human});
	await printed('after');
	await screen.waitFor('after', 60_000);
	await expect.poll(() => received(agent), {timeout: 60_000, interval: 500}).toContain('after');
	const statements = await home.json<{readonly content: string}[]>(
		['sql', 'select content from messages order by id'],
		{env: human},
	);
	expect(statements.map(({content}) => content)).toEqual(['[HUMAN] @CLAUDE_1 before', '[HUMAN] @CLAUDE_1 after']);
	expect(await fire({home: home.path, tag: 'HOOKED', event: 'UserPromptSubmit'})).toMatchObject({code: 0, stderr: ''});
	await asked;
	for (const each of agents) expect(await each.sql('select count(*)::int as n from messages')).toContain('2');
	expect((await home.output(['hub', 'start'], {env: human})).trim()).not.toBe(url);
	expect(squatter.heard()).toBe('');
}, 240_000);
