import xterm from '@xterm/headless';
import fc from 'fast-check';
import {Box, render, Text} from 'ink';
import {createElement} from 'react';
import {describe, expect, it} from 'vitest';
import {difference} from '../../source/tui/screen/difference.ts';
import {readRow} from '../../source/tui/screen/frame.ts';
import {createGrid, lay, type Grid} from '../../source/tui/screen/grid.ts';
import {createScreen} from '../../source/tui/screen/screen.ts';
import {sgr} from '../../source/tui/screen/sgr.ts';
import {ansi, clip, joined, justify, strip, textWidth} from '../../source/tui/screen/strip.ts';
import {linked, lookOf, plain, style} from '../../source/tui/screen/style.ts';
import {wrap} from '../../source/tui/screen/wrap.ts';
import {theme} from '../../source/tui/settings/theme.ts';
import {p, printable} from '../../source/printable.ts';

const styles = [plain, style({bold: true}), style({fg: 0xff0000}), style({bg: 0x202020}), style({inverse: true})];
const text = fc
	.string({unit: fc.constantFrom('a', 'b', ' ', ' ', ' ', '│', '日', '●', 'é'), maxLength: 30})
	.map(printable);
const line = fc.array(fc.record({text, style: fc.constantFrom(...styles)}), {maxLength: 4}).map(spans => strip(spans));
const frame = fc.array(line, {maxLength: 5});
const columns = 24;
const rows = 5;

function drawn(lines: ReadonlyArray<ReturnType<typeof strip>>): Grid {
	const grid = createGrid(columns, rows);
	lines.forEach((each, y) => lay(grid, 0, y, columns, each));
	return grid;
}

async function feed(terminal: InstanceType<typeof xterm.Terminal>, bytes: string): Promise<string[]> {
	await new Promise<void>(resolve => {
		terminal.write(bytes, resolve);
	});
	return Array.from({length: rows}, (_, y) => terminal.buffer.active.getLine(y)?.translateToString(true) ?? '');
}

function rowsOf(grid: Grid): string[] {
	return Array.from({length: rows}, (_, y) =>
		grid.glyphs
			.slice(y * columns, (y + 1) * columns)
			.join('')
			.trimEnd(),
	);
}

describe('the difference', () => {
	it('turns any frame into any other on a real terminal', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(frame, {minLength: 1, maxLength: 4}), async frames => {
				const terminal = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
				let before = createGrid(columns, rows);
				await feed(terminal, '\u001B[?7l');
				for (const lines of frames) {
					const after = drawn(lines);
					expect((await feed(terminal, difference(before, after, 24))).map(row => row.trimEnd())).toEqual(
						rowsOf(after),
					);
					before = after;
				}
			}),
			{numRuns: 60},
		);
	});

	it('is empty if nothing differs', () => {
		fc.assert(
			fc.property(frame, lines => {
				expect(difference(drawn(lines), drawn(lines), 24)).toBe('');
			}),
		);
	});

	it('addresses a changed letter alone', () => {
		const change = difference(
			drawn([strip([{text: p`hello there`, style: plain}])]),
			drawn([strip([{text: p`hellO there`, style: plain}])]),
			24,
		);
		expect(change).toBe('\u001B[1;5HO');
	});

	it('moves the cursor after a glyph whose width terminals disagree on', () => {
		const change = difference(createGrid(columns, rows), drawn([strip([{text: p`👍🏽ok`, style: plain}])]), 24);
		expect(change).toContain('👍🏽\u001B[1;3Hok');
		expect(change.startsWith('\u001B[1;1H\u001B[4X')).toBe(true);
	});
});

describe('strips', () => {
	it('are read back from their escape sequences as they were', () => {
		fc.assert(
			fc.property(line, each => {
				expect(readRow(ansi(each))).toEqual({glyphs: [...each.glyphs], styles: [...each.styles]});
			}),
		);
	});

	it('wrap into lines that fit, and lose nothing but the spaces they were broken at', () => {
		fc.assert(
			fc.property(line, fc.integer({min: 2, max: 20}), (each, width) => {
				const lines = wrap(each, width);
				for (const part of lines) {
					expect(part.glyphs.length).toBeLessThanOrEqual(width);
					expect(part.glyphs[0]).not.toBe('');
				}
				const letters = (glyphs: readonly string[]) => glyphs.filter(glyph => glyph !== ' ' && glyph !== '').join('');
				expect(letters(lines.flatMap(({glyphs}) => glyphs))).toBe(letters(each.glyphs));
			}),
		);
	});

	it('are cut with a sign, and justified to the edge', () => {
		expect(clip(strip([{text: p`abcdef`, style: plain}]), 4).glyphs.join('')).toBe('abc…');
		expect(clip(strip([{text: p`日本語`, style: plain}]), 4).glyphs.join('')).toBe('日…');
		expect(justify([{text: p`ab`, style: plain}], [{text: p`cd`, style: plain}], 6).glyphs.join('')).toBe('ab  cd');
	});

	it('measure what terminals draw in one or two columns', () => {
		expect([textWidth('abc'), textWidth('日本'), textWidth('e\u0301'), textWidth('👩‍👩‍👧‍👦'), textWidth('🇩🇪')]).toEqual([
			3, 4, 1, 2, 2,
		]);
	});
});

describe('colours', () => {
	it('go down to 256, to 16, and to none, where a chip is inverted and a tint left out', () => {
		const look = style({fg: 0xff0000, bg: 0x1f2733});
		expect(sgr(look, 24)).toBe('\u001B[0;38;2;255;0;0;48;2;31;39;51m');
		expect(sgr(look, 8)).toMatch(/^\u001B\[0;38;5;196;48;5;\d+m$/u);
		expect(sgr(look, 4)).toBe('\u001B[0m');
		expect(sgr(theme.warn, 4)).toBe('\u001B[0;33m');
		expect(sgr(theme.warnStrong, 1)).toBe('\u001B[0;1m');
	});
});

describe('hyperlinks', () => {
	const uri = 'https://example.org/a?b=1;c=2';
	const link = linked(style({underline: true}), uri);

	/** What a real terminal takes each cell of a row to lead to. */
	function targets(terminal: InstanceType<typeof xterm.Terminal>, y: number): Array<string | undefined> {
		const {_core: core} = terminal as unknown as {
			_core: {_oscLinkService: {getLinkData(id: number): {uri: string} | undefined}};
		};
		return Array.from({length: columns}, (_, x) => {
			const cell = terminal.buffer.active.getLine(y)?.getCell(x) as unknown as {extended: {urlId: number}};
			return core._oscLinkService.getLinkData(cell.extended.urlId)?.uri;
		});
	}

	it('are written as OSC 8, and read back by a real terminal cell by cell, through any change', async () => {
		const looks = [plain, link, linked(style({bold: true}), 'http://other.example/'), style({underline: true})];
		const linkedLine = fc
			.array(fc.record({text, style: fc.constantFrom(...looks)}), {maxLength: 4})
			.map(spans => strip(spans));
		await fc.assert(
			fc.asyncProperty(fc.array(fc.array(linkedLine, {maxLength: 5}), {minLength: 1, maxLength: 4}), async frames => {
				const terminal = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
				await feed(terminal, '\u001B[?7l');
				let before = createGrid(columns, rows);
				for (const lines of frames) {
					const after = drawn(lines);
					const bytes = difference(before, after, 24);
					await feed(terminal, bytes);
					for (let y = 0; y < rows; y++) {
						const wanted = Array.from({length: columns}, (_, x) => lookOf(after.styles[y * columns + x] ?? plain).link);
						expect(targets(terminal, y)).toEqual(wanted);
					}
					// What is written next, by whomever, is no link.
					expect(bytes.lastIndexOf('\u001B]8;id=')).toBeLessThanOrEqual(bytes.lastIndexOf('\u001B]8;;\u001B\\'));
					before = after;
				}
			}),
			{numRuns: 40},
		);
	});

	it('have one id for all pieces of a line that was broken', () => {
		const bytes = difference(
			createGrid(columns, rows),
			drawn(
				wrap(strip([{text: p`one two`, style: link}]), 4).map(each =>
					joined(strip([{text: p`│`, style: plain}]), each),
				),
			),
			24,
		);
		const ids = [...bytes.matchAll(/\u001B\]8;id=(\w+);https/gu)].map(match => match[1]);
		expect(ids).toHaveLength(2);
		expect(new Set(ids).size).toBe(1);
	});

	it('are none where an address holds anything but printing ASCII', () => {
		for (const bad of ['https://a\u0007b', 'https://a\u001B\\', 'https://a b', 'https://ä', '']) {
			expect(linked(plain, bad)).toBe(plain);
		}
	});
});

describe('the seam to Ink', () => {
	function record() {
		const written: string[] = [];
		const output = {columns: 20, rows: 3, write: (bytes: string) => written.push(bytes), once: () => {}};
		return {written, screen: createScreen(output, 24)};
	}

	function draw(screen: ReturnType<typeof createScreen>) {
		const tree = createElement(Box, {width: 20, height: 3}, createElement(Text, null, 'chrome \u001B[1mbold\u001B[0m'));
		return render(tree, {
			stdout: screen as unknown as NodeJS.WriteStream,
			debug: true,
			interactive: true,
			patchConsole: false,
			exitOnCtrlC: false,
		});
	}

	it('takes a whole frame per commit, and writes it with the panes over it', () => {
		const {written, screen} = record();
		const app = draw(screen);
		screen.place({x: 0, y: 1, width: 10, height: 2}, () => [{strip: strip([{text: p`pane`, style: plain}])}]);
		screen.flush();
		expect(written).toMatchSnapshot();
		screen.stop();
		app.unmount();
	});

	it('writes only what changed in a pane, and nothing when nothing did', () => {
		const {written, screen} = record();
		const app = draw(screen);
		let said = p`one`;
		screen.place({x: 0, y: 1, width: 10, height: 2}, () => [{strip: strip([{text: said, style: plain}])}]);
		screen.flush();
		written.length = 0;
		screen.flush();
		expect(written).toEqual([]);
		said = p`ONe`;
		screen.flush();
		expect(written).toEqual(['\u001B[?2026h\u001B[2;1HON\u001B[?2026l']);
		screen.stop();
		app.unmount();
	});

	it('shows an overlay above the panes', () => {
		const {written, screen} = record();
		const app = draw(screen);
		screen.place({x: 0, y: 0, width: 20, height: 1}, () => [{strip: strip([{text: p`x`.repeat(20), style: plain}])}]);
		screen.cover({x: 0, y: 0, width: 6, height: 1});
		screen.flush();
		expect(written.join('')).toContain('chromexxxxxxxxxxxxxx');
		screen.stop();
		app.unmount();
	});

	it('waits for a slow terminal, and then writes what is different by then', () => {
		const written: string[] = [];
		let drained = () => {};
		const output = {
			columns: 20,
			rows: 3,
			writableNeedDrain: true,
			write: (bytes: string) => written.push(bytes),
			once: (_: string, listener: () => void) => (drained = listener),
		};
		const screen = createScreen(output, 24);
		screen.write('late');
		screen.flush();
		expect(written).toEqual([]);
		output.writableNeedDrain = false;
		drained();
		screen.flush();
		expect(written.join('')).toContain('late');
		screen.stop();
	});
});
