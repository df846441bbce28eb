import {setTimeout as sleep} from 'node:timers/promises';
import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

const wide = {cols: 200, rows: 50};

async function open(scene: string, size = wide): Promise<TestTerminal> {
	const terminal = spawn([process.execPath, program], {...size, env: {SCENE: scene}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	await terminal.waitFor('● live');
	return terminal;
}

/** Where the line between the panes is broken; that it is there at all shows in the row of headers. */
function brokenRows(terminal: TestTerminal): number[] {
	const screen = terminal.screen();
	const end = screen.findLastIndex(row => /^─+$/.test(row));
	const x = Array.from({length: 200}, (_, at) => at).find(at => terminal.cell(at, 1).glyph === '│') ?? -1;
	return Array.from({length: end - 1}, (_, at) => at + 1).filter(y => x < 0 || terminal.cell(x, y).glyph !== '│');
}

/** Writes, quits past the question about the draft, and is sure that the terminal is as it was. */
async function stillWorks(terminal: TestTerminal): Promise<void> {
	terminal.write('cstill here');
	await terminal.waitFor(/→ (?:@\w+ )?still here/);
	terminal.write('\u0003\u0003');
	expect(await terminal.exited).toBe(0);
	expect([terminal.alternate, terminal.mouse]).toEqual([false, false]);
}

describe('a message', () => {
	it('may be 10,000 words without a space: they are wrapped, cut where they are long, and read whole in the thread', async () => {
		const terminal = await open('words');
		const screen = await terminal.waitFor('after it');
		expect(screen.join('\n')).toMatch(/50,000 characters in all · enter shows it/);
		expect(brokenRows(terminal)).toEqual([]);
		terminal.write('kk\r');
		await terminal.waitFor('⤷ thread #2');
		expect(terminal.overflowing).toEqual([]);
		await stillWorks(terminal);
	});

	it('may be combining marks: letters keep their cells, and columns stay straight', async () => {
		const terminal = await open('marks');
		const screen = await terminal.waitFor(/end of marks[^]*end of letters/);
		expect(screen.find(row => row.includes('end of marks'))).toMatch(/^ │ .{1,40} end of marks/u);
		expect(brokenRows(terminal)).toEqual([]);
		expect(terminal.overflowing).toEqual([]);
		await stillWorks(terminal);
	});

	it('may be written from right to left: in the order in which it was written, its controls visible, behind its gutter', async () => {
		const terminal = await open('right_to_left');
		const screen = await terminal.waitFor('after it');
		const text = screen.join('\n');
		expect(text).toMatch(/^ │ שלום עולם, זו הודעה מימין לשמאל: 12 קבצים/mu);
		expect(text).toMatch(/^ │ مرحبا بالعالم <U\+202E>هذه رسالة<U\+202C> END/mu);
		expect(text).toMatch(/^ │ mixed אב cd <U\+2067>ef<U\+2069> gh/mu);
		expect(brokenRows(terminal)).toEqual([]);
		await stillWorks(terminal);
	});

	it('may be every escape sequence: none does anything, in messages, tasks, roles, search and timeline', async () => {
		const terminal = await open('escapes');
		const untouched = () => ({
			alternate: terminal.alternate,
			mouse: terminal.mouse,
			clipboard: terminal.clipboard,
			bells: terminal.bells,
			notifications: terminal.notifications.length,
			overflowing: terminal.overflowing.length,
			rows: terminal.screen().filter(row => row.startsWith(' agentmux ')).length,
		});
		const quiet = {alternate: true, mouse: false, clipboard: null, bells: 0, notifications: 0, overflowing: 0, rows: 1};
		await terminal.waitFor('after it');
		expect(untouched()).toEqual(quiet);
		expect(brokenRows(terminal)).toEqual([]);
		for (let page = 0; page < 6; page++) terminal.write('\u001B[5~');
		await terminal.waitFor('before it');
		expect(untouched()).toEqual(quiet);
		terminal.write('t\r');
		await terminal.waitFor(/status +queued/);
		expect(untouched()).toEqual(quiet);
		terminal.write('\u001B');
		await terminal.waitFor(screen => !/status +queued/.test(screen.join('')));
		terminal.write('/sequence');
		await terminal.waitFor(/1 of \d\d/);
		expect(untouched()).toEqual(quiet);
		terminal.write('\u001B');
		await terminal.waitFor(screen => screen.at(-1)?.startsWith(' READ') === true);
		terminal.write('T');
		await terminal.waitFor('in this window');
		expect(untouched()).toEqual(quiet);
		terminal.write('\u001B');
		await terminal.waitFor(screen => !screen.join('').includes('TIMELINE'));
		await stillWorks(terminal);
	});
});

describe('under stress', () => {
	it('lose nothing that is typed while 5,000 messages come in a second, and show the last of them', async () => {
		const terminal = await open('flood');
		terminal.write('c\u0015');
		await terminal.waitFor('COMPOSE');
		const text = 'what I type meanwhile stands here, each letter of it';
		await terminal.waitFor(/flood \d+ of 5000/);
		for (const letter of text) {
			terminal.write(letter);
			await sleep(20);
		}
		await terminal.waitFor(`→ ${text}`);
		await terminal.waitFor('flood 5000 of 5000.');
		expect(terminal.screen()[0]).toContain('● live');
		expect(brokenRows(terminal)).toEqual([]);
		expect(terminal.text()).toContain(`→ ${text}`);
	});

	it.each(['ahead', 'behind'])('shows sensible times when the clock of the mailbox is an hour %s', async scene => {
		const terminal = await open(scene);
		const screen = await terminal.waitFor(/Count the hours[^]*how far is it\?|how far is it\?[^]*Count the hours/);
		const text = screen.join('\n');
		expect(text).toMatch(/HUMAN → CLAUDE_1 .*✓✓ acked \d+ s/);
		expect(text).not.toMatch(/NaN|Infinity|-\d+ (?:s|min|h)\b|in -/);
		terminal.write('T');
		const timeline = await terminal.waitFor(/messages?, \d+ tasks? in this window/);
		expect(timeline.join('\n')).not.toMatch(/NaN|Infinity|-\d+ (?:s|min|h)\b/);
		terminal.write('\u001B');
		await terminal.waitFor(rows => !rows.join('').includes('TIMELINE'));
		await stillWorks(terminal);
	});

	it('lose nothing that is typed while the size changes all the time', async () => {
		const terminal = await open('busy', {cols: 120, rows: 40});
		terminal.write('c\u0015');
		await terminal.waitFor('COMPOSE');
		const text = 'written on a screen that never stands still';
		for (const [step, letter] of Array.from(text).entries()) {
			terminal.resize(30 + ((step * 37) % 150), 8 + ((step * 17) % 40));
			terminal.write(letter);
			await sleep(10);
		}
		terminal.resize(120, 40);
		const screen = await terminal.waitFor(rows => rows.length === 40 && rows.at(-2)?.includes('still') === true);
		expect(screen.at(-2)).toContain(`→ ${text}`);
	});

	it('go on without a keyboard when it is taken away, and end by a signal with the terminal as it was', async () => {
		const fed = `trap : INT; (printf c; sleep 1; printf typed; sleep 1) | SCENE=busy '${process.execPath}' '${program}'; echo "ENDED $?"; sleep 30`;
		const terminal = spawn(['/bin/sh', '-c', fed], {cols: 120, rows: 40});
		onTestFinished(() => terminal.kill('SIGKILL'));
		await terminal.waitFor('typed');
		const first = Number(/tick (\d+)/.exec(terminal.text())?.[1]);
		await terminal.waitFor(screen => Number(/tick (\d+)/.exec(screen.join('\n'))?.[1]) > first + 300);
		expect(terminal.text()).toContain('typed');
		terminal.write('\u0003');
		expect((await terminal.waitFor(/ENDED/)).join('\n')).toContain('ENDED');
		expect(terminal.alternate).toBe(false);
	});
});
