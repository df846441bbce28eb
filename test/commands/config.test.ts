import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest';
import {cli, Home} from '../helpers/program.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

const bad = `tag = "ANNA"
[keys]
opne = "o"
help = "e"
down = "e"
[theme]
warn = "orangish"
[ui]
mouse = true
[colours]
red = 1
`;

let home: Home;
beforeAll(async () => {
	home = await Home.make();
	await writeFile(join(home.path, 'config.toml'), bad);
});
afterAll(async () => {
	await home.run(['hub', 'stop']);
	await rm(home.path, {recursive: true, force: true});
});

const wrong = [
	'line 11 has a setting `colours.red` that agentmux does not know',
	'line 7: `orangish` is not a colour',
	'line 3: unknown action `opne`, ignored. Did you mean `open`?',
	'line 5: `e` is already `help`, so it cannot also be `down`.',
];

describe('agentmux config', () => {
	test('prints the settings in effect with their sources, and errors on stderr', async () => {
		const {code, stdout, stderr} = await home.run(['config'], {env: {NO_MOTION: '1'}});
		expect(code).toBe(0);
		const file = join(home.path, 'config.toml');
		expect(stdout).toContain(`${file}  AGENTMUX_HOME`);
		expect(stdout).toMatch(/^tag +ANNA \(human\) +\S+ line 1$/m);
		expect(stdout).toMatch(/^mailbox +local hub +default$/m);
		expect(stdout).toMatch(/^ui\.mouse +true +\S+ line 9$/m);
		expect(stdout).toMatch(/^ui\.motion +false +environment$/m);
		expect(stdout).toMatch(/^keys\.help +e +\S+ line 4$/m);
		for (const sentence of wrong) expect(stderr).toContain(`config.toml ${sentence}`);
	});

	test('prints the same as JSON, and never a key', async () => {
		const env = {SUPABASE_URL: 'https://x.example', SUPABASE_SECRET_KEY: 'very-secret', AGENTMUX_TAG: 'CLAUDE_1'};
		const {stdout} = await home.run(['config', '--json'], {env});
		expect(stdout).not.toContain('very-secret');
		const {settings, warnings} = JSON.parse(stdout);
		expect(settings).toContainEqual({name: 'tag', value: 'CLAUDE_1 (agent)', from: 'AGENTMUX_TAG'});
		expect(settings).toContainEqual({name: 'mailbox', value: 'https://x.example', from: 'SUPABASE_URL'});
		expect(settings).toContainEqual({name: 'supabase.key', value: 'set', from: 'SUPABASE_SECRET_KEY'});
		expect(warnings).toHaveLength(wrong.length);
	});
});

function open(): TestTerminal {
	const terminal = spawn([process.execPath, cli], {cols: 140, rows: 30, env: {AGENTMUX_HOME: home.path}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

describe('the screen with such a file', () => {
	test('opens with its valid settings, and reports the others on the screen and in the shell', async () => {
		const terminal = open();
		await terminal.waitFor('● live');
		expect(terminal.screen().at(-1)).toContain('config.toml line 11 has a setting');
		expect(terminal.screen().at(-1)).toContain('(and 3 more)');
		terminal.write('e');
		await terminal.waitFor('Reading');
		terminal.write('\u001B');
		await sleep(200);
		terminal.write('q');
		expect(await terminal.exited).toBe(0);
		const left = terminal.screen().join('').replaceAll(/\s+/g, ' ');
		for (const sentence of wrong) expect(left).toContain(sentence.slice(0, 40));
	});

	test('ends when its window is closed, and the hub goes on for others', async () => {
		const terminal = open();
		await terminal.waitFor('● live');
		const {pid} = terminal;
		terminal.hangUp();
		for (let wait = 0; wait < 100 && isAlive(pid); wait++) await sleep(20);
		expect(isAlive(pid)).toBe(false);
		expect(await home.run(['send', 'still here'])).toMatchObject({code: 0});
	});

	test('is a snapshot on a terminal that cannot position the cursor', async () => {
		const terminal = spawn(['/usr/bin/env', 'TERM=dumb', process.execPath, cli], {env: {AGENTMUX_HOME: home.path}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		expect(await terminal.exited).toBe(0);
		expect(terminal.text()).toContain('still here');
		expect(terminal.alternate).toBe(false);
	});
});

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
