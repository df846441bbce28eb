import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type SpawnOptions, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

function start(scene: string, options: SpawnOptions = {}): TestTerminal {
	const terminal = spawn([process.execPath, program], {...options, env: {SCENE: scene, ...options.env}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

const wide = {cols: 200, rows: 50};
const without = (text: string) => (rows: string[]) => !rows.join('\n').includes(text);

describe('panes', () => {
	it("are tiled, each with its agent's presence in the header", async () => {
		const screen = await start('crew', wide).waitFor(/1 CLAUDE_1[^]*6 TASKS[^]*page 4 of 10/);
		expect(screen[1]).toMatch(
			/▌1 CLAUDE_1 ● in a turn .*│ 2 CLAUDE_TWIN ◐ blocked {2}#1 Task X: monthly report .*│ 6 TASKS/,
		);
		expect(screen.join('\n')).toMatch(
			/3 CLAUDE_3 ● in a turn {2}2 sessions, one inbox {2}#6 Fetch.*│ 4 REVIEWER ◌ idle/,
		);
	});

	it('stand above each other where the terminal is tall and narrow, and are one below 80x24', async () => {
		const terminal = start('crew', {cols: 90, rows: 60});
		await terminal.waitFor(/\n 2 CLAUDE_TWIN ◐.*(\n.*)*\n 3 CLAUDE_3 ●/);
		terminal.resize(79, 24);
		const screen = await terminal.waitFor(
			rows => /^ agentmux .* 1 CLAUDE_1 /.test(rows[0] ?? '') && rows.length === 24,
		);
		expect(screen.join('\n')).not.toMatch(/\n.2 CLAUDE_TWIN ◐/);
	});

	it('show everything in ALL, and in INBOX what addresses the human by name', async () => {
		const terminal = start('crew');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('8');
		const inbox = (await terminal.waitFor(without('Understood: 2025 only'))).join('\n');
		expect(inbox).toMatch(/keep orders without a customer[^]*Four of ten pages/);
		expect(inbox).not.toContain('I look at #1');
		terminal.write('9');
		const all = (await terminal.waitFor('I look at #1')).join('\n');
		expect(all).toMatch(/approve the migration[^]*keep orders[^]*Four of ten[^]*I look at #1/);
	});

	it('say in AGENTS who is there, what each does and said, and how to reach it; enter goes to its channel', async () => {
		const terminal = start('crew', {cols: 80, rows: 30});
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('7');
		const text = (await terminal.waitFor('2 sessions, one inbox')).join('\n');
		expect(text).toMatch(
			/● CLAUDE_3 fetches +in a turn\n {3}▶ #6 Fetch exchange rates.*\n +\d\d:\d\d Four of ten pages/,
		);
		expect(text).toMatch(/seen \d\d:\d\d · 1 session · woken by mail · joined \d\d:\d\d/);
		expect(text).toMatch(/◐ CLAUDE_TWIN +blocked/);
		expect(text).toMatch(/● HUMAN +you/);
		terminal.write('jj');
		await terminal.waitFor(/▌● CLAUDE_3/);
		terminal.write('c');
		await terminal.waitFor(/→ @CLAUDE_3/);
		terminal.write('\u001B');
		await terminal.waitFor(' READ ');
		terminal.write('\r');
		expect((await terminal.waitFor(/CLAUDE_3 → CLAUDE_1, HUMAN/)).join('')).not.toContain('woken by mail');
	});

	it('say in AGENTS whose files are missing, and what to do', async () => {
		const terminal = start('crew', {cols: 80, rows: 30, env: {DISARMED: 'CLAUDE_3'}});
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('7');
		const text = (await terminal.waitFor('files missing')).join('\n');
		expect(text).toMatch(/● CLAUDE_3 fetches +files missing\n/);
		expect(text).toMatch(/ {2}run agentmux join CLAUDE_3 · seen/);
		expect(text.match(/files missing/g)).toHaveLength(1);
	});

	it('are moved, hidden, pinned and shown alone by keys, and nothing else moves', async () => {
		const terminal = start('crew', {cols: 200, rows: 30});
		const header = (what: RegExp) => terminal.waitFor(rows => what.test(rows[1] ?? ''));
		await header(/▌1 CLAUDE_1 .*│ 2 CLAUDE_TWIN /);
		terminal.write('>');
		await header(/1 CLAUDE_TWIN .*│▌2 CLAUDE_1 /);
		terminal.write('P4');
		await header(/▌4 REVIEWER .*│ 2 CLAUDE_1 .*pinned/);
		terminal.write('l3');
		await header(/▌3 CLAUDE_3 .*│ 2 CLAUDE_1 .*pinned/);
		terminal.write('+');
		await header(/^▌3 CLAUDE_3 .* alone · _ [^│]*$/);
		terminal.write('_H');
		await header(/ 1 CLAUDE_TWIN .*│▌2 CLAUDE_1 .*pinned/);
		expect(terminal.text()).toContain('Hidden; 3 brings it back.');
		expect(terminal.screen()[0]).not.toContain('3 CLAUDE_3 ');
		terminal.write('3');
		await header(/▌3 CLAUDE_3 .*│ 2 CLAUDE_1 /);
	});

	it('go on standing at the side or make room: t goes to the tasks, H hides them, and their number brings them back', async () => {
		const terminal = start('crew', {cols: 160, rows: 30});
		await terminal.waitFor(/1 CLAUDE_1[^]*6 TASKS[^]*page 4 of 10/);
		terminal.write('tH');
		await terminal.waitFor(without('page 4 of 10'));
		terminal.write('6');
		expect((await terminal.waitFor('page 4 of 10'))[1]).toContain('▌6 TASKS');
	});
});

describe('a pane that was scrolled far back', () => {
	it('shows what is written in it, and the present around that', async () => {
		const terminal = start('long');
		await terminal.waitFor('message 20000.');
		terminal.write('2');
		await terminal.waitFor('message 19999.');
		terminal.write('g');
		await terminal.waitFor(/ message 1\./);
		terminal.write('chere I am\r');
		const screen = (await terminal.waitFor(/│ @CLAUDE_2 here I am/)).join('\n');
		expect(screen).toContain('message 19999.');
		expect(screen).not.toContain('newer below');
	});
});

describe('what is unread', () => {
	it('is counted in tabs and headers; u goes to the next pane with it, and a line says where one looked last', async () => {
		const terminal = start('news', {cols: 120, rows: 40});
		await terminal.waitFor(/2 CLAUDE_2·30/);
		terminal.write('u');
		const screen = (await terminal.waitFor('2 CLAUDE_2')).join('\n');
		await terminal.waitFor(/── new ─+/);
		expect(screen).not.toContain('There are no unread messages');
		const at = await terminal.waitFor(/── new ─+.*\n▌.*\n▌│ news 1 of CLAUDE_2\./);
		expect(at.join('\n')).toMatch(/newer below · G/);
		terminal.write('G');
		await terminal.waitFor(
			rows => rows.join('').includes('news 30 of CLAUDE_2.') && !rows.join('').includes('below · G'),
		);
		terminal.write('u');
		await terminal.waitFor('news 1 of CLAUDE_3.');
		terminal.write('Gu');
		await terminal.waitFor('There are no unread messages.');
	});

	it('keeps its line until one leaves the pane and comes back', async () => {
		const terminal = start('news', {cols: 120, rows: 40});
		await terminal.waitFor(/3 CLAUDE_3·1/);
		terminal.write('3');
		await terminal.waitFor(/── new ─+.*\n.*\n.*news 1 of CLAUDE_3\./);
		terminal.write('1');
		await terminal.waitFor('▌1 CLAUDE_1');
		terminal.write('3');
		await terminal.waitFor('news 1 of CLAUDE_3.');
		expect(await terminal.waitFor(without('── new ─'))).toHaveLength(40);
	});

	it('is summed up if there is no room for the tabs of 300 channels', async () => {
		const terminal = start('channels');
		const screen = await terminal.waitFor(/\+30\d · 50 unread/);
		expect(screen[0]).toMatch(/^ agentmux {3}1 AGENT_250 {2}/);
		terminal.write('u');
		await terminal.waitFor(/── new ─+ *\n.*AGENT_50 {2}unverified *\n.*news from 50/);
		await terminal.waitFor(/ AGENT_49·1 .* 48 unread/);
	});
});
