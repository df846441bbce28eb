import xterm from '@xterm/headless';
import fc from 'fast-check';
import {afterEach, describe, expect, it, vi} from 'vitest';
import {difference} from '../../source/tui/screen/difference.ts';
import {createGrid, drawScene, putLine, type Grid, type Region} from '../../source/tui/screen/grid.ts';
import {createScreen} from '../../source/tui/screen/screen.ts';
import {createTerminalColours} from '../../source/tui/screen/sgr.ts';
import {clip, joinStrips, justify, strip, textWidth} from '../../source/tui/screen/strip.ts';
import {linked, lookOf, plain, style} from '../../source/tui/screen/style.ts';
import {wrap} from '../../source/tui/screen/wrap.ts';
import {paletteOf} from '../../source/tui/settings/colours.ts';
import {theme} from '../../source/tui/settings/theme.ts';
import {p, printable, type Printable} from '../../source/printable.ts';

const styles = [plain, style({bold: true}), style({fg: 0xff0000}), style({bg: 0x202020}), style({inverse: true})];
const text = fc
	.string({unit: fc.constantFrom('a', 'b', ' ', ' ', ' ', '│', '日', '●', 'é'), maxLength: 30})
	.map(printable);
const line = fc.array(fc.record({text, style: fc.constantFrom(...styles)}), {maxLength: 4}).map(spans => strip(spans));
const frame = fc.array(line, {maxLength: 5});
const all = createTerminalColours(24, paletteOf());
const columns = 24;
const rows = 5;

function drawn(lines: ReadonlyArray<ReturnType<typeof strip>>): Grid {
	const grid = createGrid(columns, rows);
	lines.forEach((each, y) => putLine(grid, 0, y, columns, each));
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

afterEach(() => {
	vi.useRealTimers();
});

describe('the difference', () => {
	it('turns any frame into any other on a real terminal', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(frame, {minLength: 1, maxLength: 4}), async frames => {
				const terminal = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
				let before = createGrid(columns, rows);
				await feed(terminal, '\u001B[?7l');
				for (const lines of frames) {
					const after = drawn(lines);
					expect((await feed(terminal, difference(before, after, all))).map(row => row.trimEnd())).toEqual(
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
				expect(difference(drawn(lines), drawn(lines), all)).toBe('');
			}),
		);
	});

	it('addresses a changed letter alone', () => {
		const change = difference(
			drawn([strip([{text: p`hello there`, style: plain}])]),
			drawn([strip([{text: p`hellO there`, style: plain}])]),
			all,
		);
		expect(change).toBe('\u001B[1;5HO');
	});

	it('moves the cursor after a glyph whose width terminals disagree on', () => {
		const change = difference(createGrid(columns, rows), drawn([strip([{text: p`👍🏽ok`, style: plain}])]), all);
		expect(change).toContain('👍🏽\u001B[1;3Hok');
		expect(change.startsWith('\u001B[1;1H\u001B[4X')).toBe(true);
	});
});

describe('strips', () => {
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
		expect(all.sgr(look)).toBe('\u001B[0;38;2;255;0;0;48;2;31;39;51m');
		expect(createTerminalColours(8, paletteOf()).sgr(look)).toMatch(/^\u001B\[0;38;5;196;48;5;\d+m$/u);
		expect(createTerminalColours(4, paletteOf()).sgr(look)).toBe('\u001B[0m');
		expect(createTerminalColours(4, paletteOf()).sgr(theme.warn)).toBe('\u001B[0;33m');
		expect(createTerminalColours(1, paletteOf()).sgr(theme.warnStrong)).toBe('\u001B[0;1m');
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
					const bytes = difference(before, after, all);
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
					joinStrips(strip([{text: p`│`, style: plain}]), each),
				),
			),
			all,
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

describe('the screen', () => {
	function record() {
		const written: string[] = [];
		const output = {columns: 20, rows: 3, write: (bytes: string) => written.push(bytes), once: () => {}};
		return {written, screen: createScreen(output, all)};
	}

	function part(x: number, y: number, width: number, said: Printable): Region {
		return {rect: {x, y, width, height: 1}, lines: [{strip: strip([{text: said, style: plain}])}]};
	}

	it('writes a whole frame at first', () => {
		const {written, screen} = record();
		const bold = strip([
			{text: p`chrome `, style: plain},
			{text: p`bold`, style: style({bold: true})},
		]);
		const top = {rect: {x: 0, y: 0, width: 20, height: 1}, lines: [{strip: bold}]};
		screen.show(() => ({regions: [top, part(0, 1, 10, p`pane`)], cursor: null}));
		screen.flush();
		expect(written).toMatchSnapshot();
		screen.stop();
	});

	it('writes only what changed, and nothing when nothing did', () => {
		const {written, screen} = record();
		let said = p`one`;
		screen.show(() => ({regions: [part(0, 1, 10, said)], cursor: null}));
		screen.flush();
		written.length = 0;
		screen.flush();
		expect(written).toEqual([]);
		said = p`ONe`;
		screen.flush();
		expect(written).toEqual(['\u001B[?2026h\u001B[2;1HON\u001B[?2026l']);
		screen.stop();
	});

	it('draws later regions over earlier ones, and removes them again', () => {
		const {written, screen} = record();
		const pane = part(0, 0, 20, p`x`.repeat(20));
		let regions = [pane, part(2, 0, 7, p`overlay`)];
		screen.show(() => ({regions, cursor: null}));
		screen.flush();
		expect(written.join('')).toContain('xxoverlayxxxxxxxxxxx');
		expect(screen.row(0).join('')).toBe('xxoverlayxxxxxxxxxxx');
		regions = [pane];
		screen.flush();
		expect(screen.row(0).join('')).toBe('x'.repeat(20));
		screen.stop();
	});

	it('puts the cursor where the frame has it, and hides it where it has none', () => {
		const {written, screen} = record();
		let cursor: {x: number; y: number} | null = {x: 3, y: 1};
		screen.show(() => ({regions: [], cursor}));
		screen.flush();
		expect(written.at(-1)).toContain('\u001B[2;4H\u001B[?25h');
		cursor = null;
		screen.flush();
		expect(written.at(-1)).toContain('\u001B[?25l');
		screen.stop();
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
		const screen = createScreen(output, all);
		screen.show(() => ({regions: [part(0, 0, 20, p`late`)], cursor: null}));
		screen.flush();
		expect(written).toEqual([]);
		output.writableNeedDrain = false;
		drained();
		screen.flush();
		expect(written.join('')).toContain('late');
		screen.stop();
	});

	it('shows what whole frames would show, whatever of a frame changes', async () => {
		const region = (x: number, y: number, width: number, height: number) =>
			fc
				.array(fc.record({strip: line}), {maxLength: height})
				.map((lines): Region => ({rect: {x, y, width, height}, lines}));
		// It may not cover half of a wide glyph.
		const overlay = fc.option(region(0, 1, 11, 2), {nil: null});
		const pick = fc.record({
			left: region(0, 0, 11, 5),
			right: region(12, 0, 12, 4),
			low: region(12, 4, 12, 1),
			overlay,
		});
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.tuple(pick, fc.subarray(['left', 'right', 'low'] as const)), {minLength: 2, maxLength: 6}),
				async frames => {
					const terminal = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
					await feed(terminal, '\u001B[?7l');
					let bytes = '';
					const screen = createScreen({columns, rows, write: (more: string) => (bytes += more), once: () => {}}, all);
					let kept = frames[0]?.[0];
					for (const [next, same] of frames) {
						// Some regions are the same objects as before.
						const current = {...next, ...Object.fromEntries(same.map(name => [name, kept?.[name] ?? next[name]]))};
						kept = current;
						const regions = [current.left, current.right, current.low, ...(current.overlay ? [current.overlay] : [])];
						screen.show(() => ({regions, cursor: null}));
						screen.flush();
						const grid = createGrid(columns, rows);
						drawScene(grid, {regions, cursor: null});
						expect((await feed(terminal, bytes)).map(row => row.trimEnd())).toEqual(rowsOf(grid));
						bytes = '';
					}
					screen.stop();
				},
			),
			{numRuns: 60},
		);
	});

	it('answers a key at once with what the key changed, and shows the rest soon after', async () => {
		// The frame's time is not up when the key comes, however slow the machine is.
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'performance']});
		const {written, screen} = record();
		let [typed, arrived] = [p``, p`none`];
		let last = arrived;
		screen.show(mayHold => {
			const held = mayHold === true && last !== arrived;
			if (!held) last = arrived;
			return {regions: [part(0, 0, 20, last), part(0, 2, 20, typed)], cursor: null, held};
		});
		screen.flush();
		[typed, arrived] = [p`x`, p`some`];
		screen.invalidate();
		screen.hurry();
		await new Promise(resolve => setImmediate(resolve));
		expect(screen.row(2).join('').trim()).toBe('x');
		expect(screen.row(0).join('').trim()).toBe('none');
		vi.advanceTimersByTime(40);
		expect(screen.row(0).join('').trim()).toBe('some');
		expect(written.at(-1)).not.toContain('x');
		screen.stop();
	});

	it('prepares a frame in parts, and draws a key in between', async () => {
		const {screen} = record();
		let typed = p``;
		let parts = 0;
		const shownAfter: number[] = [];
		const scene = Object.assign(() => ({regions: [part(0, 0, 20, typed)], cursor: null, held: parts < 4}), {
			prepare: () => {
				parts += 1;
				if (parts === 2) {
					typed = p`x`;
					screen.hurry();
				}
				if (parts > 2) shownAfter.push(screen.row(0).indexOf(p`x`));
				return parts < 4;
			},
		});
		screen.show(scene);
		screen.flush();
		screen.invalidate();
		await vi.waitFor(() => expect(parts).toBe(4));
		expect(shownAfter).toEqual([0, 0]);
		screen.stop();
	});
});
