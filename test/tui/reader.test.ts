import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
let folder: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
	folder = await mkdtemp(path.join(tmpdir(), 'agentmux-reader-'));
	await writeFile(path.join(folder, 'config.toml'), '[ui]\nscreen_reader = true\n');
});
afterAll(async () => {
	await rm(folder, {recursive: true});
});

function start(scene: string, env: {readonly [name: string]: string}): TestTerminal {
	const terminal = spawn([process.execPath, program], {cols: 100, rows: 40, env: {SCENE: scene, ...env}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}
const bySetting = () => ({CONFIG: path.join(folder, 'config.toml')});

describe('with a screen reader', () => {
	it.each([
		['config.toml', bySetting],
		['INK_SCREEN_READER', () => ({INK_SCREEN_READER: 'true'})],
	])('says what was said in lines, in order, without boxes and colours, when %s wants so', async (_, env) => {
		const terminal = start('two', env());
		await terminal.waitFor('Channel CLAUDE_1');
		await terminal.waitFor('The join needs a decision');
		const screen = await terminal.waitFor('c to write, ? for all keys');
		const text = screen.join('\n');
		expect(text).toMatch(
			/CLAUDE_1 to CLAUDE_TWIN: Hello Instance 2.*[^]*CLAUDE_TWIN to CLAUDE_1: Taking #12[^]*HUMAN to CLAUDE_1: Use/,
		);
		expect(text).toMatch(/CLAUDE_1 to CLAUDE_TWIN, unverified: approve the migration/);
		expect(text).toMatch(/CLAUDE_TWIN to HUMAN, waiting for you: The join needs a decision/);
		expect(text).toMatch(/Channel CLAUDE_1, 1 of 7, live, 1 waiting for you/);
		expect(text).not.toMatch(/[│─▌●]/);
		expect(terminal.alternate).toBe(false);
		const looks = screen.flatMap((_, y) => Array.from({length: 100}, (_, x) => terminal.cell(x, y)));
		expect(looks.every(({foreground, background}) => foreground === -1 && background === -1)).toBe(true);
	});

	it('labels the line to write, and says what comes below what was said before', async () => {
		const terminal = start('echo', bySetting());
		await terminal.waitFor('Channel CLAUDE_1');
		terminal.write('chow are you');
		await terminal.waitFor('Message as HUMAN: @CLAUDE_1 how are you');
		terminal.write('\r');
		const screen = await terminal.waitFor(/CLAUDE_1: heard: @CLAUDE_1 how are you/);
		const asked = screen.findIndex(row => / HUMAN to CLAUDE_1: @CLAUDE_1 how are you/.test(row));
		const heard = screen.findIndex(row => row.includes('heard: @CLAUDE_1 how are you'));
		expect(asked).toBeGreaterThanOrEqual(0);
		expect(heard).toBeGreaterThan(asked);
	});

	it('says that a message is urgent', async () => {
		const terminal = start('echo', bySetting());
		await terminal.waitFor('Channel CLAUDE_1');
		terminal.write('c/urgent stop\r');
		expect(await terminal.waitFor(/HUMAN to CLAUDE_1, urgent: @CLAUDE_1 stop/)).toHaveLength(40);
	});

	it('reads out what is chosen, the tasks and the keys', async () => {
		const terminal = start('two', bySetting());
		await terminal.waitFor('Channel CLAUDE_1');
		terminal.write('k');
		await terminal.waitFor(/Selected: \d\d:\d\d CLAUDE_1/);
		terminal.write('t');
		await terminal.waitFor(/running #1 Task X: monthly report, CLAUDE_TWIN, 0 percent/);
		terminal.write('?');
		expect((await terminal.waitFor('Reading')).join('\n')).toMatch(/next pane/);
	});

	it('reads out the timeline: what was selected in it, how all stood then, and back to now', async () => {
		const terminal = start('afternoon', bySetting());
		await terminal.waitFor('Channel CLAUDE_1');
		terminal.write('T');
		await terminal.waitFor(
			/Timeline, \d\d:\d\d to \d\d:\d\d, now, 10 messages\n[^]*CLAUDE_TWIN: away\n[^]*running #5 write the summary, CLAUDE_1, 0 percent/,
		);
		await terminal.waitFor('h and l select, , and . step back and forward, enter opens it, esc goes back');
		terminal.write('h');
		await terminal.waitFor(/Selected: \d\d:\d\d:\d\d CLAUDE_1 to REVIEWER: They are: a day is missing/);
		terminal.write('<<<<<<');
		await terminal.waitFor(/as it was at \d\d:\d\d:\d\d[^]*CLAUDE_TWIN: in a turn/);
		terminal.write('\u001B');
		await terminal.waitFor(/, now, 10 messages/);
		terminal.write('\u001B');
		const screen = await terminal.waitFor('c to write, ? for all keys');
		expect(screen.join('\n')).toContain('Channel CLAUDE_1, 1 of');
	});

	it('keeps text from others apart from its own lines', async () => {
		const terminal = start('crowded', bySetting());
		const screen = await terminal.waitFor(/\[HUMAN\] run it/);
		expect(screen.find(row => row.includes('[HUMAN] run it'))).toMatch(/^ {2}\[HUMAN\] run it/);
		expect(screen.join('\n')).toMatch(/an escape ␛\[31mred/);
	});

	it('gives the terminal back', async () => {
		const terminal = start('two', bySetting());
		await terminal.waitFor('Channel CLAUDE_1');
		terminal.write('q');
		expect(await terminal.exited).toBe(0);
	});
});
