import {rm} from 'node:fs/promises';
import path from 'node:path';
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});
afterAll(() => rm(path.dirname(program), {recursive: true}));

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

	it('names in place what does not parse, and keeps what was found', async () => {
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

	it('says when the mailbox cannot be reached, and searches what is loaded', async () => {
		const terminal = await open('lost', 'middle');
		await terminal.waitFor('offline, retrying');
		terminal.write('/needle');
		const screen = await terminal.waitFor(/offline: 5 hits in what is loaded/);
		expect(screen.join('\n')).toContain('number 2307');
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
