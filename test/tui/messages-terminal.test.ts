import {spawnSync} from 'node:child_process';
import {chmod, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {afterAll, beforeAll, describe, expect, it, onTestFinished, vi} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
let scratch: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
	scratch = await mkdtemp(path.join(tmpdir(), 'agentmux-messages-'));
});
afterAll(async () => {
	await rm(scratch, {recursive: true});
});

function start(scene: string, options: SpawnOptions = {}): TestTerminal {
	const terminal = spawn([process.execPath, program], {...options, env: {SCENE: scene, ...options.env}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

const wide = {cols: 200, rows: 50};
/** The last message in its own pane: the agents' pane shows its text earlier, while a key still finds nothing to select. */
const threadRead = /│ Something else: the build is green/u;
const escape = '\u001B';

describe('a thread', () => {
	it('opens beside its pane as a tree with thin lines, and closes the way it came', async () => {
		const terminal = start('thread', wide);
		await terminal.waitFor(threadRead);
		terminal.write('kkk\r');
		const screen = await terminal.waitFor(/CLAUDE_1 ⤷ thread #1 {2}6 messages/u);
		expect(screen[1]).toMatch(/1 CLAUDE_1 ● in a turn.*│▌CLAUDE_1 ⤷ thread #1.*│ 6 TASKS/u);
		const x = (screen[1] ?? '').indexOf('▌CLAUDE_1 ⤷');
		const tree = screen.map(row => row.slice(x, x + 40).trimEnd()).filter(row => /\d\d:\d\d /u.test(row));
		expect(tree.map(row => row.replace(/\d\d:\d\d/u, ''))).toEqual([
			expect.stringMatching(/^ {2}HUMAN → CLAUDE_1/u),
			expect.stringMatching(/^ ├ {2}CLAUDE_1 → CLAUDE_TWIN/u),
			expect.stringMatching(/^▌│ ├ {2}CLAUDE_TWIN → CLAUDE_1/u),
			expect.stringMatching(/^ │ │ └ {2}HUMAN → CLAUDE_TWIN/u),
			expect.stringMatching(/^ │ └ {2}CLAUDE_TWIN/u),
			expect.stringMatching(/^ └ {2}CLAUDE_1 → HUMAN/u),
		]);
		expect(screen.find(row => row.includes('· fetched', x))?.slice(x)).toMatch(/^ │ {3}│ · fetched/u);
		terminal.write(escape);
		const before = await terminal.waitFor(rows => !rows.join('').includes('thread #1'));
		expect(before[1]).toMatch(/▌1 CLAUDE_1.*│ 2 CLAUDE_TWIN/u);
		expect(before.find(row => row.startsWith('▌│'))).toContain('What about orders');
	});

	it('is a pane for Tab while it stands beside its own, and in its place where there is less room', async () => {
		const terminal = start('thread', wide);
		await terminal.waitFor(threadRead);
		terminal.write('k\r');
		await terminal.waitFor(/│▌CLAUDE_1 ⤷ thread/u);
		terminal.write('1');
		await terminal.waitFor(/▌1 CLAUDE_1.*│ CLAUDE_1 ⤷ thread/u);
		terminal.write('\t');
		await terminal.waitFor(/│▌CLAUDE_1 ⤷ thread/u);
		terminal.write('1');
		await terminal.waitFor(/▌1 CLAUDE_1/u);
		terminal.resize(120, 40);
		expect((await terminal.waitFor(/▌CLAUDE_1 ⤷ thread/u))[1]).toMatch(/^▌CLAUDE_1 ⤷ thread/u);
		terminal.write(escape);
		expect((await terminal.waitFor(/▌1 CLAUDE_1/u))[1]).not.toContain('thread');
	});

	it('replies to the selected message, which is marked', async () => {
		const terminal = start('thread');
		await terminal.waitFor(threadRead);
		terminal.write('kkk\rkr');
		const screen = await terminal.waitFor(/HUMAN {2}↳ #2 → @CLAUDE_1/u);
		expect(screen.find(row => row.includes('I split it'))).toMatch(/^▌/u);
		terminal.write('very good\r');
		await terminal.waitFor(/7 messages/u);
		expect(terminal.text()).toMatch(/└ \d\d:\d\d HUMAN → CLAUDE_1.*\n.*│ @CLAUDE_1 very good/u);
	});

	it('replies with a quote that addresses nobody again', async () => {
		const terminal = start('thread');
		await terminal.waitFor(threadRead);
		terminal.write('kkkkR');
		await terminal.waitFor(/→ > I split it: /u);
		terminal.write('keep them\r');
		await terminal.waitFor(/HUMAN → CLAUDE_1 {2}signed {2}↳ #2[^]*▏ I split it: #1 is the first step/u);
		expect(terminal.text()).toMatch(/▏ The sources are .*\n(?:.*▏.*\n)* │ *\n │ @CLAUDE_1 keep them/u);
		const screen = terminal.screen();
		// The addressee stays for the next message, the quote does not.
		expect(screen.at(-2)).toMatch(/→ @CLAUDE_1 /u);
	});
});

describe('redaction', () => {
	it.each([
		['by its key', 'x', wide],
		['in the palette, on a small screen', ':redact\r', {cols: 80, rows: 24}],
	])('%s asks first, and takes the text out for good', async (_, keys, size) => {
		const terminal = start('thread', size);
		await terminal.waitFor(threadRead);
		terminal.write('k');
		terminal.write(keys);
		const asked = await terminal.waitFor(/Redact #\d+ \w+\?/u);
		expect(asked.join('\n')).toMatch(/Its text is removed for everyone and cannot be restored\./u);
		expect(asked.join('\n')).toMatch(/y redact it {3}any other key keep it/u);
		terminal.write('n');
		await terminal.waitFor(rows => !rows.join('').includes('cannot be restored'));
		expect(terminal.text()).not.toContain('(redacted');
		terminal.write(keys);
		await terminal.waitFor(/Redact #\d+/u);
		terminal.write('y');
		await terminal.waitFor(/\(redacted by HUMAN/u);
		await terminal.waitFor(/#\d+ is redacted\./u);
		terminal.write(keys);
		await terminal.waitFor(/#\d+ is already redacted\./u);
	});
});

describe('a message and a task', () => {
	it('link to each other, and Esc goes back step by step', async () => {
		const terminal = start('thread', wide);
		await terminal.waitFor(threadRead);
		terminal.write('kkkk\r');
		await terminal.waitFor(/▌CLAUDE_1 ⤷ thread/u);
		terminal.write('\r');
		await terminal.waitFor(/▌6 TASKS/u);
		expect(terminal.screen().some(row => /▌○ #1 Monthly report/u.test(row))).toBe(true);
		terminal.write('o');
		await terminal.waitFor(rows => rows.some(row => /▌│ Please prepare the monthly report/u.test(row)));
		terminal.write(escape);
		await terminal.waitFor(/▌6 TASKS/u);
		terminal.write(escape);
		await terminal.waitFor(/▌CLAUDE_1 ⤷ thread/u);
		terminal.write(escape);
		await terminal.waitFor(/▌1 CLAUDE_1/u);
		expect(terminal.text()).not.toContain('thread #');
	});

	it('say so if there is nothing to go to', async () => {
		const terminal = start('thread');
		await terminal.waitFor(threadRead);
		terminal.write('k\r');
		await terminal.waitFor('⤷ thread');
		terminal.write('\r');
		expect((await terminal.waitFor('This message mentions no task.')).at(-1)).toContain('READ');
	});
});

describe('copying', () => {
	it('takes the text of a message, or a line that shows it, by OSC 52', async () => {
		const terminal = start('thread');
		await terminal.waitFor(threadRead);
		terminal.write('kk');
		terminal.write('y');
		await terminal.waitFor(/Copied \d+ characters of #6\./u);
		expect(terminal.clipboard).toBe('I begin with the summary. @HUMAN');
		terminal.write('Y');
		await terminal.waitFor('Copied `agentmux thread 6`.');
		expect(terminal.clipboard).toBe('agentmux thread 6  # CLAUDE_1 in local hub');
	});

	it('copies no control bytes', async () => {
		const terminal = start('crowded');
		await terminal.waitFor('second line');
		terminal.write('y');
		await terminal.waitFor(/Copied \d+ characters/u);
		expect(terminal.clipboard).toBe('an escape ␛[31mred␛[0m and <U+202E>over\nsecond line\n[HUMAN] run it');
	});

	it.skipIf(spawnSync('tmux', ['-V']).status !== 0)(
		'fills the buffer of tmux and the clipboard of its terminal, as tmux is set up by itself',
		async () => {
			const folder = path.join(scratch, 'tmux');
			await mkdir(folder, {mode: 0o700});
			const env = {SCENE: 'thread', TMUX_TMPDIR: folder, TMUX: ''};
			const words = ['-f', '/dev/null', 'new-session', '-s', 'test', `'${process.execPath}' '${program}'`];
			const terminal = spawn(['tmux', ...words], {env});
			const tmux = (...args: string[]) =>
				spawnSync('tmux', args, {env: {...process.env, ...env}, encoding: 'utf8'}).stdout;
			onTestFinished(() => {
				tmux('kill-server');
				terminal.kill('SIGKILL');
			});
			await terminal.waitFor(threadRead);
			terminal.write('ky');
			await terminal.waitFor(/Copied \d+ characters/u);
			expect(tmux('show-buffer')).toBe('Something else: the build is green.');
			await vi.waitFor(() => expect(terminal.clipboard).toBe('Something else: the build is green.'), 5000);
		},
	);
});

describe('a link', () => {
	/** A folder with an opener in it that writes down what it is given. */
	async function opener(exit: number): Promise<{bin: string; opened: () => Promise<string>}> {
		const bin = await mkdtemp(path.join(scratch, 'bin-'));
		const said = path.join(bin, 'said');
		for (const name of ['xdg-open', 'open']) {
			await writeFile(path.join(bin, name), `#!/bin/sh\necho "$#" "$@" >> '${said}'\nexit ${exit}\n`);
			await chmod(path.join(bin, name), 0o755);
		}
		return {bin, opened: () => readFile(said, 'utf8')};
	}

	it('is opened outside of the terminal, chosen where there are several', async () => {
		const {bin, opened} = await opener(0);
		const terminal = start('thread', {env: {PATH: `${bin}:${process.env['PATH'] ?? ''}`}});
		await terminal.waitFor(threadRead);
		terminal.write('kkkko');
		const screen = await terminal.waitFor('enter select');
		expect(screen.join('\n')).toMatch(/▌ 1 https:\/\/docs\.example\.org\/schema/u);
		expect(screen.join('\n')).toMatch(/ 3 https:\/\/b\.example\.org\/rows/u);
		terminal.write('j\r');
		await terminal.waitFor('Opening a.example.org');
		await vi.waitFor(async () => expect(await opened()).toBe('1 https://a.example.org/rows\n'), 5000);
		terminal.write('o3');
		await terminal.waitFor('Opening b.example.org');
		await vi.waitFor(async () => expect(await opened()).toContain('1 https://b.example.org/rows\n'), 5000);
	});

	it.each([
		['there is nothing that opens it', null],
		['what should open it fails', 3],
	])('is copied where %s', async (_, exit) => {
		const bin = exit === null ? path.join(scratch, 'nothing') : (await opener(exit)).bin;
		const terminal = start('markdown', {env: {PATH: bin}});
		await terminal.waitFor('The docs');
		terminal.write('ko');
		await terminal.waitFor('enter select');
		terminal.write('1');
		await terminal.waitFor('No browser opened; copied the address at docs.example.org.');
		expect(terminal.clipboard).toBe('https://docs.example.org/a');
	});

	it('is not offered unless it leads to a web address', async () => {
		const terminal = start('thread');
		await terminal.waitFor(threadRead);
		terminal.write('ko');
		expect((await terminal.waitFor('This message has no links.')).at(-1)).toContain('READ');
	});
});
