import {readdir, readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {cli, Home} from '../helpers/program.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

describe('the layout, from one start to the next', () => {
	let home: Home;
	beforeAll(async () => {
		home = await Home.make();
		await say('[ONE] first', '[TWO] first', '[THREE] first');
	});
	afterAll(() => home.dispose());

	async function say(...contents: string[]): Promise<void> {
		const rows = contents.map(content => `('${content}')`).join(',');
		await home.output(['sql', `insert into messages (content) values ${rows}`]);
	}

	function open(): TestTerminal {
		const terminal = spawn([process.execPath, cli], {cols: 200, rows: 24, env: {AGENTMUX_HOME: home.path}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		return terminal;
	}

	async function quit(terminal: TestTerminal): Promise<void> {
		terminal.write('q');
		expect(await terminal.exited).toBe(0);
	}

	async function file(): Promise<string> {
		const name = (await readdir(join(home.path, 'state'))).find(each => each.startsWith('screen-'));
		return join(home.path, 'state', name ?? '');
	}

	const header = (terminal: TestTerminal, what: RegExp) => terminal.waitFor(rows => what.test(rows[1] ?? ''), 60_000);

	it('is restored, also with other channels, and with the unread messages', async () => {
		const first = open();
		await header(first, /▌1 THREE .*│ 2 TWO .*│ 6 TASKS/);
		first.write('>P3tH3');
		await header(first, /▌3 ONE .*│ 2 THREE .*pinned .*│ 7 AGENTS/);
		await quit(first);
		expect((await stat(await file())).mode & 0o777).toBe(0o600);

		await say('[NEW] hello', '[ONE] meanwhile', '[ONE] and more', '[TWO] meanwhile');
		const second = open();
		await header(second, /▌\d ONE .*│ 2 THREE .*pinned .*│ \d AGENTS/);
		const screen = await second.waitFor(/── new ─+.*\n.*\n.*meanwhile[^]*and more/);
		expect(screen[0]).toMatch(/TWO·1/);
		expect(screen[0]).toMatch(/NEW·1/);
		expect(screen[0]).not.toMatch(/TASKS/);
		await quit(second);

		const third = open();
		await header(third, /▌\d ONE .*│ 2 THREE/);
		await third.waitFor(/TWO·1/);
		expect(third.text()).not.toContain('── new');
		await quit(third);
	});

	it('is restored when the screen was left out of a thread, with the unread messages', async () => {
		const first = open();
		await header(first, /▌\d ONE .*│ 2 THREE .*pinned/);
		await say('[TWO] unread', '[ONE] newest');
		await first.waitFor('newest');
		first.write('k\r');
		await header(first, /▌[^│]*thread/);
		await quit(first);
		const second = open();
		await header(second, /▌\d ONE .*│ 2 THREE .*pinned/);
		expect((await second.waitFor(/TWO·\d/)).join('\n')).not.toContain('damaged');
		await quit(second);
	});

	it('first offers searches and commands of an earlier start', async () => {
		const first = open();
		await first.waitFor(/● live[^]*│ \d AGENTS/);
		first.write('/meanwhile');
		await first.waitFor('1 of 2');
		first.write('\r');
		await first.waitFor(screen => /SEARCH meanwhile .* n N hits/.test(screen.at(-1) ?? ''));
		first.write(':');
		await first.waitFor('command, pane, task or search');
		first.write('redraw the screen\r');
		await first.waitFor(screen => !screen.join('').includes('choose'));
		await quit(first);
		expect((await stat(await file())).mode & 0o777).toBe(0o600);

		const second = open();
		await second.waitFor(/● live[^]*│ \d AGENTS/);
		second.write(':');
		await second.waitFor(/▌ redraw the screen/);
		second.write('meanw');
		await second.waitFor(/▌ search meanwhile/);
		second.write('\u001B');
		await second.waitFor(screen => !screen.join('').includes('search meanwhile'));
		await quit(second);
	});

	it('starts with the default if its file is damaged, and says so', async () => {
		await writeFile(await file(), (await readFile(await file(), 'utf8')).slice(0, 40));
		const terminal = open();
		await terminal.waitFor(/ READ .*screen-hub-HUMAN.json is damaged and was ignored/, 60_000);
		await header(terminal, /▌1 .*│ 2 .*│ \d TASKS/);
		terminal.write('2');
		await header(terminal, /▌2 /);
		await quit(terminal);
		expect(JSON.parse(await readFile(await file(), 'utf8'))).toMatchObject({version: 1, hidden: []});
	});
});
