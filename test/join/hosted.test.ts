import {mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {PlayedAgent} from '../helpers/agent.ts';
import {fire} from '../helpers/hook.ts';
import {startHosted, type Hosted} from '../helpers/hosted.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {Home} from '../helpers/program.ts';

let hub: TestHub;
let project: Hosted;
let home: Home;
let agent: PlayedAgent;
beforeAll(async () => {
	hub = await startTestHub();
	project = await startHosted(hub);
}, 60_000);
afterAll(async () => {
	project.stop();
	await hub.stop();
});
beforeEach(async () => {
	home = await Home.make();
	mkdirSync(folder());
	agent = new PlayedAgent(home, folder());
	configure({secret_key: hub.serviceRoleKey, publishable_key: hub.anonKey});
});
afterEach(async () => {
	await agent.close();
	await home.dispose();
	Object.assign(project, {life: 3600, closed: false, room: Infinity, signedIn: 0});
	project.users.clear();
});

const folder = (): string => join(home.path, 'project');
const place = (): Record<string, unknown> =>
	JSON.parse(readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8')) as Record<string, unknown>;

function configure(keys: Record<string, string>): void {
	const lines = Object.entries({url: project.url, ...keys}).map(([name, value]) => `${name} = "${value}"\n`);
	writeFileSync(join(home.path, 'config.toml'), `[supabase]\n${lines.join('')}`, {mode: 0o600});
}

describe('an agent on a Supabase project signs in as a user of its own', () => {
	test('join makes that user, what the agent writes is verified, and no secret key is kept for it', async () => {
		const said = await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		const [user] = project.users.values();
		expect(user?.app_metadata).toMatchObject({agent_tag: 'CLAUDE_1', kind: 'agent'});
		expect(said).toContain(`It signs in there as ${user?.email}`);
		expect(place()).toMatchObject({key: hub.anonKey, token: null, account: {url: project.url, id: user?.id}});
		const kept = readdirSync(join(home.path, 'state/tokens')).map(name => join(home.path, 'state/tokens', name));
		for (const file of [...kept, join(home.path, 'data/agents/CLAUDE_1.json')]) {
			expect(statSync(file).mode & 0o777).toBe(0o600);
			expect(readFileSync(file, 'utf8')).not.toContain(hub.serviceRoleKey);
		}

		expect(await agent.call('send_message', {text: 'by the server'})).toMatchObject({isError: false});
		await home.output(['send', 'by the command'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
		const rows = await home.json<object[]>(['search', 'from:CLAUDE_1']);
		expect(rows).toMatchObject([
			{body: 'by the command', tag: 'CLAUDE_1', author_tag: 'CLAUDE_1', author_kind: 'agent', verified: true},
			{body: 'by the server', tag: 'CLAUDE_1', author_tag: 'CLAUDE_1', author_kind: 'agent', verified: true},
		]);
		// One token serves them all.
		expect(project.signedIn).toBe(1);
	});

	test('its hooks hand over its mail with that token, and mark it as delivered to it', async () => {
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		await home.output(['send', '--as', 'CLAUDE_2', '--to', 'CLAUDE_1', 'are you there?']);
		expect(await agent.hook('UserPromptSubmit')).toContain('are you there?');
		const [row] = await home.json<{id: number}[]>(['search', 'there to:CLAUDE_1']);
		const inbox = await home.json<object[]>(['inbox', '--as', 'CLAUDE_1']);
		expect(inbox).toMatchObject([{id: row?.id}]);
	});

	test('a second join keeps the user; leave takes it away with the token', async () => {
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		const before = readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8');
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		expect(readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8')).toBe(before);
		expect(project.users.size).toBe(1);
		await home.output(['leave', 'CLAUDE_1', '--dir', folder()]);
		expect(project.users.size).toBe(0);
		expect(readdirSync(join(home.path, 'state/tokens'))).toEqual([]);
	});

	test('a token that runs out is renewed while its server runs, and the hooks find the new one', async () => {
		project.life = 4;
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		await agent.call('list_agents');
		const first = project.signedIn;
		await home.output(['send', '--as', 'CLAUDE_2', '--to', 'CLAUDE_1', 'are you still there?']);
		await sleep(5000);
		expect(await agent.call('send_message', {text: 'later'})).toMatchObject({isError: false});
		expect(project.signedIn).toBeGreaterThan(first);
		expect(await agent.hook('UserPromptSubmit')).toContain('are you still there?');
	}, 30_000);

	test('without a valid one, a hook says nothing to the model, and tells the human why', async () => {
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		writeFileSync(join(home.path, 'state/tokens/CLAUDE_1.json'), '{}');
		const ended = await fire({
			home: home.path,
			tag: 'CLAUDE_1',
			event: 'PostToolBatch',
			env: {AGENTMUX_HOOK_TIMEOUT: '500'},
		});
		expect(ended).toMatchObject({code: 0, stdout: '', stderr: ''});
		expect(readFileSync(join(home.path, 'logs/hook.log'), 'utf8')).toMatch(
			/PostToolBatch.*it has not signed in yet: its mailbox/,
		);
	});

	test('a user that was deleted in the project: the agent is told to join again, and that makes another', async () => {
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		project.users.clear();
		writeFileSync(join(home.path, 'state/tokens/CLAUDE_1.json'), '{}');
		const {code, stderr} = await home.run(['send', 'hello'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
		expect(code).toBe(1);
		expect(stderr).toContain(
			'no longer has a user for CLAUDE_1. Run `agentmux join CLAUDE_1` in its folder to create another.',
		);
		await home.output(['join', 'CLAUDE_1', '--dir', folder()]);
		expect([...project.users.keys()]).toEqual([(place()['account'] as {id: string}).id]);
		await home.output(['send', 'hello'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
	});

	test('if no user can be created, join says why, and the agent takes part unverified', async () => {
		project.closed = true;
		const {code, stdout, stderr} = await home.run(['join', 'CLAUDE_1', '--dir', folder()]);
		expect(code).toBe(0);
		expect(stderr).toContain('No user could be created for CLAUDE_1');
		expect(stderr).toContain('Email logins are disabled. Enable the email provider in the project');
		expect(stdout).toContain('messages from CLAUDE_1 are shown as unverified');
		expect(project.users.size).toBe(0);
		expect(place()['account']).toBeNull();
		await home.output(['send', 'unvouched'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
		expect(await home.json<object[]>(['search', 'from:CLAUDE_1 unvouched'])).toMatchObject([{verified: false}]);
	});

	test('when the second agent of a recipe can have none, the first one is taken away, and nothing is written', async () => {
		project.room = 1;
		const {code, stderr} = await home.run(['join', '--recipe', 'planner-executor', '--dir', folder()]);
		expect({code, stderr}).toEqual({code: 1, stderr: expect.stringContaining('Database error creating new user')});
		expect(project.users.size).toBe(0);
		expect(readdirSync(folder())).toEqual([]);
		expect(readdirSync(join(home.path, 'state/tokens'))).toEqual([]);
	});
});
