import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it, onTestFinished, vi} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
let folder: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
	folder = await mkdtemp(path.join(tmpdir(), 'agentmux-terminal-'));
});
afterAll(async () => {
	await rm(folder, {recursive: true});
});

let files = 0;
async function start(scene: string, config = '', options: SpawnOptions = {}): Promise<TestTerminal> {
	const file = path.join(folder, `${files++}.toml`);
	await writeFile(file, config);
	const env = {SCENE: scene, CONFIG: file, ...options.env};
	const terminal = spawn([process.execPath, program], {cols: 120, rows: 40, ...options, env});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

const press = (x: number, y: number) => `\u001B[<0;${x + 1};${y + 1}M\u001B[<0;${x + 1};${y + 1}m`;
const wheelUp = (x: number, y: number) => `\u001B[<64;${x + 1};${y + 1}M`;

function find(screen: readonly string[], text: string): {x: number; y: number} {
	const y = screen.findIndex(row => row.includes(text));
	return {x: screen[y]?.indexOf(text) ?? -1, y};
}

describe('keys', () => {
	it('do what config.toml says, and help and hints say so', async () => {
		const terminal = await start('two', '[keys]\nhelp = "h"\ncompose = ["w", "c"]\nreply = "none"\n');
		const screen = await terminal.waitFor('1 for you');
		expect(screen.at(-1)).toMatch(/w c write .*h help/);
		expect(screen.at(-1)).not.toContain('reply');
		expect(screen.at(-2)).toContain('press w to write');
		terminal.write('?h');
		const help = (await terminal.waitFor('Reading')).join('\n');
		expect(help).toMatch(/w c +write a message/);
		expect(help).toMatch(/h +this help/);
		terminal.write('xw');
		await terminal.waitFor('COMPOSE');
	});
});

describe('keys of what stands over the panes', () => {
	const own = `[keys]
panel_next = "alt-n"
panel_take = "alt-g"
panel_close = "^q"
down = "ö"
back = "ü"
page_down = "ä"
timeline_close = "ß"
`;

	it('are those of config.toml in search, filter, palette and pickers, and say so', async () => {
		const terminal = await start('two', own);
		await terminal.waitFor('1 for you');
		terminal.write(':go to');
		await terminal.waitFor(/▌ go to CLAUDE_1\b[^]*alt-g select {3}↑ alt-n choose {3}\^q back/);
		terminal.write('\u001Bn');
		await terminal.waitFor(/▌ go to CLAUDE_TWIN/);
		terminal.write('\u001Bg');
		await terminal.waitFor(screen => /▌2 CLAUDE_TWIN/.test(screen.join('')) && !screen.join('').includes('choose'));
		terminal.write('/2025');
		await terminal.waitFor('1 of 2');
		terminal.write('\u001Bn');
		await terminal.waitFor('2 of 2');
		terminal.write('\u0011');
		await terminal.waitFor(screen => !screen.join('').includes('2 of 2'));
		terminal.write('#');
		await terminal.waitFor(/alt-g select {3}\^q back/);
		terminal.write('\u001Bn');
		await terminal.waitFor(/▌ CLAUDE_TWIN/);
		terminal.write('\u001Bg');
		expect((await terminal.waitFor('COMPOSE')).at(-2)).toMatch(/^ {2}CLAUDE_TWIN {2}by HUMAN/);
	});

	it('are those of reading on cards and in the help, and those of the timeline there', async () => {
		const terminal = await start('board', own, {cols: 100, rows: 18});
		await terminal.waitFor(/● live[^]*TASKS {2}2 running/);
		terminal.write('tg\r');
		const card = await terminal.waitFor(/more lines · ö {2}ü back/);
		terminal.write('j');
		terminal.write('ö');
		const on = await terminal.waitFor(screen => screen.join('\n') !== card.join('\n'));
		expect(on.join('\n')).not.toContain('more lines · j');
		terminal.write('ü');
		await terminal.waitFor(screen => !screen.join('').includes('more lines'));
		terminal.write('?');
		await terminal.waitFor('ö ↓ more');
		terminal.write('ä');
		await terminal.waitFor(screen => !screen.join('').includes('shift-tab'));
		terminal.write('q');
		await terminal.waitFor(screen => screen.at(-1)?.includes('ö') === true || screen.at(-1)?.includes('READ') === true);
		terminal.write('T');
		await terminal.waitFor('ß back');
		terminal.write('ß');
		await terminal.waitFor(screen => !screen.join('').includes('TIMELINE'));
	});
});

describe('the theme', () => {
	const background = (terminal: TestTerminal, screen: readonly string[]) => {
		const {x, y} = find(screen, 'TASKS');
		return terminal.cell(x, y).background;
	};

	it.each([
		['the environment hints at a light background', '', {COLORFGBG: '0;15'}],
		['config.toml says so', '[theme]\nname = "light"\n', {}],
	])('is the light one where %s', async (_, config, env) => {
		const terminal = await start('two', config, {env});
		expect(background(terminal, await terminal.waitFor('1 for you'))).toBe(0xf0f2f5);
	});

	it('follows the background that the terminal reports, also when it changes', async () => {
		const terminal = await start('two');
		expect(background(terminal, await terminal.waitFor('1 for you'))).toBe(0x151820);
		terminal.write('\u001B]11;rgb:ffff/ffff/f0f0\u001B\\');
		await terminal.waitFor(screen => background(terminal, screen) === 0xf0f2f5);
		terminal.write('\u001B]11;rgb:1010/1010/1010\u0007');
		await terminal.waitFor(screen => background(terminal, screen) === 0x151820);
	});

	it('reads single colours from config.toml', async () => {
		const terminal = await start(
			'two',
			'[theme]\nname = "dark"\nwarn = "#ff00ff"\n[theme.tags]\nCLAUDE_1 = "#00ffff"\n',
		);
		const screen = await terminal.waitFor('1 for you');
		const warning = find(screen, 'unverified');
		expect(terminal.cell(warning.x, warning.y).foreground).toBe(0xff00ff);
		const name = find(screen, 'CLAUDE_1');
		expect(terminal.cell(name.x, name.y).foreground).toBe(0x00ffff);
	});

	it('uses 16 colours on request', async () => {
		const terminal = await start('two', '[theme]\nname = "16-colours"\n');
		const screen = await terminal.waitFor('1 for you');
		const looks = screen.flatMap((_, y) => Array.from({length: 120}, (_, x) => terminal.cell(x, y)));
		expect(Math.max(...looks.flatMap(({foreground, background}) => [foreground, background]))).toBeLessThan(16);
	});
});

describe('the mouse', () => {
	const config = '[ui]\nmouse = true\n';

	it('is left to the terminal until m is pressed', async () => {
		const terminal = await start('two');
		const screen = await terminal.waitFor('1 for you');
		expect(terminal.mouse).toBe(false);
		terminal.write('m');
		await terminal.waitFor('The mouse is on');
		expect(terminal.mouse).toBe(true);
		expect(screen).toHaveLength(40);
		terminal.write('m');
		await terminal.waitFor('The mouse is off');
		expect(terminal.mouse).toBe(false);
	});

	it('focuses panes and tabs, selects a message, and opens its thread by a double click', async () => {
		const terminal = await start('two', config, {cols: 200, rows: 50});
		const screen = await terminal.waitFor('1 for you');
		const tasks = find(screen, 'Review the numbers');
		terminal.write(press(tasks.x, tasks.y));
		await terminal.waitFor(/▌6 TASKS/);
		const hello = find(screen, 'Hello Instance 2');
		terminal.write(press(hello.x, hello.y));
		await terminal.waitFor(/\n▌│ Hello Instance 2/);
		await terminal.waitFor(/▌1 CLAUDE_1/);
		terminal.write(press(hello.x, hello.y) + press(hello.x, hello.y));
		// What the thread covers stands among the tabs.
		const tab = find(await terminal.waitFor('thread #1'), 'HUMAN ');
		terminal.write(press(tab.x, 0));
		expect((await terminal.waitFor(/▌\d HUMAN/))[0]).not.toContain('HUMAN');
	});

	it('opens the line to write, and closes it by a click elsewhere', async () => {
		const terminal = await start('two', config, {cols: 80, rows: 24});
		await terminal.waitFor('1 for you');
		terminal.write(press(30, 22));
		await terminal.waitFor('COMPOSE');
		terminal.write(press(30, 10));
		expect((await terminal.waitFor(' READ ')).join('')).not.toContain('COMPOSE');
	});

	it('scrolls the pane under it, whichever has the keys', async () => {
		const terminal = await start('crowded', config, {cols: 80, rows: 24});
		await terminal.waitFor('second line');
		terminal.write(wheelUp(30, 10).repeat(8));
		const screen = await terminal.waitFor(/below · G/);
		const line = find(screen, 'below · G');
		terminal.write(press(line.x, line.y));
		expect(await terminal.waitFor(rows => !rows.join('').includes('below · G'))).toHaveLength(24);
	});

	it('is given back with the terminal', async () => {
		const terminal = await start('crash', config);
		await terminal.waitFor('● live');
		expect(terminal.mouse).toBe(true);
		terminal.kill('SIGUSR2');
		await terminal.exited;
		expect(terminal.mouse).toBe(false);
	});
});

describe('notifications', () => {
	/** Makes CLAUDE_1 address the human, from a pane that does not show it. */
	async function call(terminal: TestTerminal, words: string): Promise<void> {
		terminal.write(`c@HUMAN ${words} @CLAUDE_1\r\u001B`);
		await terminal.waitFor(/ READ .*/);
	}
	const small = {cols: 80, rows: 24};

	it('ring the bell and name the sender, once, if no visible pane shows the message', async () => {
		const terminal = await start('echo', '', small);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('6');
		await terminal.waitFor('no tasks');
		await call(terminal, 'one');
		await terminal.waitFor(() => terminal.bells > 0);
		expect(terminal.notifications).toEqual(['CLAUDE_1: heard: @HUMAN one @CLAUDE_1']);
		// Others that come within some seconds are told together, later.
		await call(terminal, 'two');
		await call(terminal, 'three');
		await sleep(500);
		expect(terminal.bells).toBe(1);
		await terminal.waitFor(() => terminal.bells === 2, 8000);
		expect(terminal.notifications[1]).toBe('2 messages for you, the last from CLAUDE_1: heard: @HUMAN three @CLAUDE_1');
	});

	it('do not wait for others when a message is urgent', async () => {
		const terminal = await start('echo', '', small);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('6');
		await terminal.waitFor('no tasks');
		await call(terminal, 'one');
		await terminal.waitFor(() => terminal.bells === 1);
		await call(terminal, 'two');
		terminal.write('c/urgent @HUMAN stop @CLAUDE_1\r\u001B');
		const isUrgent = (each: string) => /urgent(?: one from|,) CLAUDE_1: heard: @HUMAN stop @CLAUDE_1$/.test(each);
		await terminal.waitFor(() => terminal.notifications.some(isUrgent));
		expect(terminal.bells).toBe(terminal.notifications.length);
	});

	it('are left out while the human looks at the message, and come when the terminal has no focus', async () => {
		const terminal = await start('echo', '', small);
		await terminal.waitFor('1 CLAUDE_1');
		await call(terminal, 'one');
		await terminal.waitFor(/heard: .*@HUMAN one/);
		await sleep(300);
		expect(terminal.bells).toBe(0);
		terminal.write('\u001B[O');
		await call(terminal, 'two');
		await terminal.waitFor(() => terminal.bells === 1);
		expect(terminal.notifications).toHaveLength(1);
	});

	it('are those that config.toml wants, and none for what addresses somebody else', async () => {
		const terminal = await start('echo', '[notify]\nbell = false\n', small);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('6');
		terminal.write('chello @CLAUDE_1\r\u001B');
		await sleep(500);
		await call(terminal, 'one');
		await terminal.waitFor(() => terminal.notifications.length > 0);
		expect([terminal.bells, terminal.notifications.length]).toEqual([0, 1]);
	});

	it('reach the desktop without a shell, with nothing in them that a terminal or a markup would act on', async () => {
		const bin = await mkdtemp(path.join(folder, 'bin-'));
		const heard = path.join(bin, 'heard');
		await writeFile(path.join(bin, 'notify-send'), `#!/bin/sh\nprintf '%s\\n' "$@" >'${heard}'\n`, {mode: 0o755});
		const env = {PATH: `${bin}:${process.env['PATH'] ?? ''}`};
		const terminal = await start('echo', '[notify]\ndesktop = true\n', {...small, env});
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('6');
		await call(terminal, '$(touch x) <b>; `id`');
		await terminal.waitFor(() => terminal.bells === 1);
		await vi.waitFor(async () => {
			expect(await readFile(heard, 'utf8')).toBe(
				'--app-name=agentmux\n--\nagentmux\nCLAUDE_1: heard: @HUMAN $(touch x) &lt;b&gt;; `id` @CLAUDE_1\n',
			);
		}, 5000);
	});

	it('say once that no program for desktop notifications was found', async () => {
		const terminal = await start('echo', '[notify]\ndesktop = true\n', {...small, env: {PATH: folder}});
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('6');
		await call(terminal, 'one');
		expect((await terminal.waitFor('need notify-send, which is not installed')).at(-1)).toContain('Desktop');
	});
});

describe('a slow line', () => {
	/** Every piece by itself, later than a human's ESC is waited for (25 ms), and far sooner than the rest of a sequence is (1 s). */
	async function slowly(terminal: TestTerminal, chunks: readonly string[]): Promise<void> {
		for (const chunk of chunks) {
			terminal.write(chunk);
			await sleep(100);
		}
	}

	it('does not treat a paste as commands if its markers arrive in pieces', async () => {
		const terminal = await start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		await slowly(terminal, ['\u001B', '[2', '00~q', '\rqa\u001B', '[201', '~']);
		await terminal.waitFor(/→ @CLAUDE_1 q\n? *.*\n? *qa/);
		expect(terminal.alternate).toBe(true);
	});

	it('moves by an arrow whose ESC came long before its rest, and runs no command', async () => {
		const terminal = await start('two', '', {cols: 80, rows: 24});
		await terminal.waitFor('1 for you');
		await slowly(terminal, ['\u001B', '[A', '\u001BO', 'A', '\u001B[3', '~']);
		const screen = await terminal.waitFor('▌');
		// `3` by itself would have gone to another channel.
		expect(screen.join('\n')).toContain('Understood: 2025 only');
	});

	it('loses nothing of what is typed over it', async () => {
		const terminal = await start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		for (const byte of Buffer.from('cgrüße 👍\r')) {
			terminal.writeBytes(Buffer.from([byte]));
			await sleep(20);
		}
		expect(await terminal.waitFor('heard: @CLAUDE_1 grüße 👍')).toHaveLength(40);
	});
});

describe('without motion', () => {
	it('nothing counts down each second, and the cursor does not blink', async () => {
		const terminal = await start('outage', '[ui]\nmotion = false\n');
		await terminal.waitFor('● live');
		terminal.kill('SIGUSR2');
		await terminal.waitFor(/offline, retrying/);
		const words = new Set<string>();
		for (let look = 0; look < 25; look++) {
			words.add(/offline, retrying( in \d+ s)?/.exec(terminal.text())?.[1] ?? '');
			await sleep(100);
		}
		expect([...words]).toEqual(['']);
		// A block that does not blink.
		expect(terminal.cursorShape).toBe(2);
	});
});

describe('^Z', () => {
	it('gives the terminal to the shell, and redraws everything when it continues', async () => {
		const file = path.join(folder, 'suspend.toml');
		await writeFile(file, '[ui]\nmouse = true\n');
		const line = `SCENE=two CONFIG='${file}' '${process.execPath}' '${program}'`;
		const script = `set -m; ${line}; echo "STOPPED $?"; stty -a | grep -o '.icanon'; read go; fg >/dev/null; echo "ENDED $?"; sleep 30`;
		const terminal = spawn(['/bin/bash', '-c', script], {cols: 120, rows: 40});
		onTestFinished(() => terminal.kill('SIGKILL'));
		await terminal.waitFor('1 for you');
		terminal.write('cwhat I meant');
		await terminal.waitFor('what I meant');
		terminal.write('\u001A');
		const shell = await terminal.waitFor('icanon');
		expect(shell.join('\n')).toMatch(/STOPPED 148\n icanon/);
		expect([terminal.alternate, terminal.mouse]).toEqual([false, false]);
		terminal.resize(100, 30);
		terminal.write('\n');
		const screen = await terminal.waitFor(
			rows => rows.at(-1)?.includes('COMPOSE') === true && rows.at(-2)?.includes('what I meant') === true,
		);
		expect(screen).toHaveLength(30);
		expect([terminal.alternate, terminal.mouse]).toEqual([true, true]);
		terminal.write('\u0003\u0003');
		expect((await terminal.waitFor('ENDED')).join('\n')).toContain('ENDED 0');
	});

	it('does not stop if no shell could continue it', async () => {
		const terminal = await start('two');
		await terminal.waitFor('1 for you');
		terminal.write('\u001A');
		await sleep(300);
		terminal.write('?');
		const shown = await terminal.waitFor(rows => terminal.alternate && rows.some(row => row.includes('Reading')));
		expect(shown).toHaveLength(40);
	});
});

describe('under stress', () => {
	it('is drawn correctly after 200 changes of size in a second', async () => {
		const terminal = await start('busy', '', {cols: 200, rows: 50});
		await terminal.waitFor('● live');
		for (let step = 0; step < 200; step++) {
			terminal.resize(60 + ((step * 37) % 180), 12 + ((step * 17) % 50));
			await sleep(5);
		}
		terminal.resize(100, 30);
		const screen = await terminal.waitFor(
			rows => rows.length === 30 && rows[0]?.includes('● live') === true && rows.at(-1)?.includes('READ') === true,
		);
		expect(screen.filter(row => row.includes(' READ '))).toHaveLength(1);
		expect(screen.filter(row => row.includes('● live'))).toHaveLength(1);
	});

	it('ends when its terminal is gone', async () => {
		const terminal = await start('busy');
		await terminal.waitFor('● live');
		const {pid} = terminal;
		terminal.hangUp();
		await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 20_000);
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
