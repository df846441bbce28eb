import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

const sizes = {
	wide: {cols: 200, rows: 50},
	middle: {cols: 120, rows: 40},
	small: {cols: 80, rows: 24},
	least: {cols: 40, rows: 10},
};

async function open(scene: string, size: keyof typeof sizes): Promise<TestTerminal> {
	const terminal = spawn([process.execPath, program], {...sizes[size], env: {SCENE: scene}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	await terminal.waitFor('● live');
	return terminal;
}

/** Gives the channel's pane the keys. */
async function focus(terminal: TestTerminal, tag: string): Promise<void> {
	const number = new RegExp(`(\\d) ${tag}\\b`);
	const screen = await terminal.waitFor(number);
	terminal.write(number.exec(screen[0] ?? '')?.[1] ?? '');
}

/** The text of the cells that stand out by this background. */
function markedText(terminal: TestTerminal, background = 0xd8b25c): string {
	const rows = terminal.screen();
	return rows
		.map((row, y) =>
			Array.from({length: 200}, (_, x) => x < row.length && terminal.cell(x, y)).filter(cell => cell !== false),
		)
		.map(cells => cells.map(({glyph, background: behind}) => (behind === background ? glyph : ' ')).join(''))
		.join(' ')
		.replaceAll(/ +/g, ' ')
		.trim();
}

describe('/', () => {
	it.each(['wide', 'middle', 'small'] as const)(
		'searches all of history while it is typed, and goes to a hit with what stands around it, at %s',
		async size => {
			const terminal = await open('needles', size);
			terminal.write('/');
			await terminal.waitFor('search all of history');
			terminal.write('need number from:CLAUDE_2');
			const screen = await terminal.waitFor('1 of 24');
			expect(screen.join('\n')).toMatch(/a rare needle in source\/gateway\/rest\.ts, number 2307/);
			expect(markedText(terminal)).toContain('need number');
			expect(terminal.cursor.x).toBeGreaterThan(20);
			terminal.write('\u001B[B'.repeat(23));
			await terminal.waitFor('24 of 24');
			terminal.write('\r');
			const there = (await terminal.waitFor(/more straw[^]*number 7\b[^]*newer below · G/)).join('\n');
			expect(there).toMatch(/number 5\b/);
			expect(there).toMatch(/number 9\b/);
			expect(there).toMatch(/SEARCH need number from:CLAU.* 24 of 24/);
			terminal.write('N');
			await terminal.waitFor(/number 107\b[^]*23 of 24/);
			terminal.write('nn');
			await terminal.waitFor('That was the oldest hit.');
			expect(markedText(terminal)).toContain('number');
			terminal.write('\u001B');
			await terminal.waitFor(rows => !rows.join('').includes('oldest hit'));
			terminal.write('\u001B');
			await terminal.waitFor(/^ READ/m);
			expect(markedText(terminal)).toBe('');
			terminal.write('G');
			await terminal.waitFor(/number 2399\b/);
		},
	);

	it('shows a syntax error in place, and keeps the results', async () => {
		const terminal = await open('needles', 'small');
		terminal.write('/needle');
		await terminal.waitFor('1 of 24');
		terminal.write(' after:2x');
		const screen = (await terminal.waitFor('after:2x: not a time, try after:2h')).join('\n');
		expect(screen).toContain('/ needle after:2x');
		expect(screen).toContain('1 of 24');
		terminal.write('\u007Fh');
		await terminal.waitFor(rows => !rows.join('').includes('not a time'));
		await terminal.waitFor('1 of 24');
	});

	it('edits its line with readline’s keys, takes a paste, and shows the grammar while it is empty', async () => {
		const terminal = await open('needles', 'small');
		terminal.write('/');
		await terminal.waitFor('from:TAG to:TAG tag:TAG');
		terminal.write('\u001B[200~rare\nneedle\u001B[201~');
		await terminal.waitFor('/ rare needle');
		terminal.write('\u0001very \u0005s');
		await terminal.waitFor('/ very rare needles');
		await terminal.waitFor('nothing found');
		terminal.write('\u0015');
		expect((await terminal.waitFor('from:TAG to:TAG tag:TAG')).join('')).not.toContain('nothing found');
	});

	it('says when the mailbox cannot be reached, and searches the loaded messages', async () => {
		const terminal = await open('lost', 'middle');
		terminal.kill('SIGUSR2');
		await terminal.waitFor('offline, retrying');
		terminal.write('/needle');
		const screen = await terminal.waitFor(/offline: 5 hits in loaded messages/);
		expect(screen.join('\n')).toContain('number 2307');
	});

	it('shows what it found until now and how far back that is, while it goes on', async () => {
		const terminal = await open('unfinished', 'middle');
		terminal.write('/needle');
		const screen = await terminal.waitFor(/1 of 10, searched back to \d\d:\d\d/);
		expect(screen.join('\n')).toContain('number 2307');
		terminal.write('\r');
		await terminal.waitFor(/number 2309\b[^]*newer below[^]*SEARCH needle +1 of 10\+/);
		terminal.write('n'.repeat(9));
		await terminal.waitFor('10 of 10+');
		// Waits for the eleventh.
		terminal.write('n');
		terminal.kill('SIGUSR2');
		await terminal.waitFor(/11 of 24/);
	});

	it('fits into the smallest screen', async () => {
		const terminal = await open('needles', 'least');
		terminal.write('/needle');
		const screen = await terminal.waitFor('1 of 24');
		expect(screen[1]).toMatch(/^ {2}\/ needle +1 of 24 *$/);
		terminal.write('\r');
		await terminal.waitFor(/SEARCH needle/);
	});
});

describe('f', () => {
	it('filters the focused pane while it is typed, says so in its header, and keeps back what comes and does not fit', async () => {
		const terminal = await open('busy', 'small');
		await terminal.waitFor(/tick \d/);
		await focus(terminal, 'CLAUDE_1');
		terminal.write('f');
		await terminal.waitFor('from:TAG is:unread');
		terminal.write('from:CLAUDE_1 tick');
		await terminal.waitFor(/f from:CLAUDE_1 tick +\d+ shown, \d+ hidden/);
		terminal.write('\r');
		const screen = await terminal.waitFor(/\d CLAUDE_1 {2}f from:CLAUDE_1 tick +\d+ shown, \d+ hidden/);
		expect(screen.join('\n')).toMatch(/\d\d:\d\d CLAUDE_1 /);
		expect(screen.slice(2).join('\n')).not.toMatch(/\d\d:\d\d (CLAUDE_2|CLAUDE_TWIN|HUMAN) /);
		const count = () => Number(/ (\d+) shown/.exec(terminal.text())?.[1]);
		const before = count();
		await terminal.waitFor(() => count() > before + 5);
	});

	it('shows a syntax error in place, keeps the last valid filter, and is cleared by esc on an empty line', async () => {
		const terminal = await open('needles', 'small');
		await focus(terminal, 'CLAUDE_2');
		terminal.write('fneedle');
		await terminal.waitFor(/f needle +\d+\+? shown/);
		for (const letter of ' in:x') {
			terminal.write(letter);
			await new Promise(resolve => setTimeout(resolve, 30));
		}
		const screen = (await terminal.waitFor("in:x: not a message's number, try in:#12")).join('\n');
		expect(screen).toContain('a rare needle');
		expect(screen).not.toContain('more straw');
		terminal.write('\r');
		await terminal.waitFor('f needle in:x');
		terminal.write('\u0015');
		await terminal.waitFor('more straw');
		terminal.write('needle\r');
		await terminal.waitFor(/CLAUDE_2 {2}f needle +\d+\+? shown/);
		terminal.write('f straw');
		await terminal.waitFor('nothing matches the filter');
		terminal.write('\u001B');
		await terminal.waitFor(/f needle +\d+\+? shown/);
		terminal.write('f\u0015\u001B');
		const cleared = await terminal.waitFor('more straw');
		expect(cleared.join('\n')).not.toMatch(/shown, /);
	});

	it('pages older rows in by the mailbox’s own filter, to the beginning of history', async () => {
		const terminal = await open('needles', 'small');
		await focus(terminal, 'CLAUDE_2');
		terminal.write('fneedle from:CLAUDE_2\r');
		await terminal.waitFor(/24 shown, \d+ hidden/);
		terminal.write('g');
		const screen = (await terminal.waitFor(/number 7\b/)).join('\n');
		expect(screen).toMatch(/number 107\b/);
		expect(screen).not.toMatch(/number 8\b/);
		terminal.write('\r');
		await terminal.waitFor(/thread #\d+ +1 message/);
		terminal.write('f');
		await terminal.waitFor('Threads cannot be filtered');
	});
});

describe('the palette', () => {
	it.each(['wide', 'small'] as const)('finds and does anything by name, with its key beside it, at %s', async size => {
		const terminal = await open('two', size);
		terminal.write(':');
		await terminal.waitFor('command, pane, task or search');
		terminal.write('redraw the');
		const screen = await terminal.waitFor(/▌ redraw the screen +\^l/);
		expect(screen.join('\n')).toMatch(/: redraw the +1 /);
		terminal.write('\u001B');
		await terminal.waitFor(rows => !rows.join('').includes('redraw the screen'));
		terminal.write('\u0010write twin\r');
		await terminal.waitFor(/→ @CLAUDE_TWIN/);
		terminal.write('\u001B');
		await terminal.waitFor(/^ READ/m);
		terminal.write(':go tasks\r');
		await terminal.waitFor(rows => !rows.join('').includes(': go tasks'));
		terminal.write(':review numbers\r');
		await terminal.waitFor(/#5 Review the numbers[^]*esc/);
	});

	it('lists recent choices first, and repeats earlier searches', async () => {
		const terminal = await open('needles', 'middle');
		terminal.write('/needle\r');
		await terminal.waitFor(/SEARCH needle/);
		terminal.write('\u001B');
		await terminal.waitFor(/^ READ/m);
		terminal.write(':help\r');
		await terminal.waitFor('Reading');
		terminal.write('\u001B');
		await terminal.waitFor(screen => !screen.join('').includes('Reading'));
		terminal.write(':');
		const rows = await terminal.waitFor('command, pane, task or search');
		expect(rows.findIndex(row => row.includes('▌ this help'))).toBe(
			rows.findIndex(row => row.includes('command, pane')) + 2,
		);
		terminal.write('need\r');
		await terminal.waitFor('1 of 24');
	});

	it('says so when nothing matches', async () => {
		const terminal = await open('two', 'least');
		terminal.write(':zzqq');
		expect((await terminal.waitFor('nothing matches')).join('\n')).toContain(': zzqq');
	});
});
