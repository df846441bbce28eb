import {p, type Printable} from '../../printable.ts';
import type {Strip} from './strip.ts';
import {onBackground, plain, type Colour, type Style} from './style.ts';

/** Columns and rows count from 0. */
export interface Rect {
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

/** A line of a pane, and its background across the whole pane. */
export interface PaintedLine {
	readonly strip: Strip;
	readonly tint?: Colour;
}

export interface Position {
	readonly x: number;
	readonly y: number;
}

/** A rectangle and the lines in it, at most as many as it has rows. */
export interface Region {
	readonly rect: Rect;
	readonly lines: readonly PaintedLine[];
}

/** A whole frame. Where regions overlap, the later one covers the earlier. */
export interface Scene {
	readonly regions: readonly Region[];
	/** Where the cursor is; null: hidden. */
	readonly cursor: Position | null;
}

/** The cells of a terminal, row by row. */
export interface Grid {
	readonly columns: number;
	readonly rows: number;
	readonly glyphs: Printable[];
	readonly styles: Style[];
}

const blank = p` `;

export function createGrid(columns: number, rows: number): Grid {
	const cells = columns * rows;
	return {
		columns,
		rows,
		glyphs: Array.from<Printable>({length: cells}).fill(blank),
		styles: Array.from<Style>({length: cells}).fill(plain),
	};
}

/** Replaces the grid's contents with a frame. */
export function drawScene(grid: Grid, {regions}: Scene): void {
	grid.glyphs.fill(blank);
	grid.styles.fill(plain);
	for (const {rect, lines} of regions) {
		for (let row = 0; row < rect.height; row++) {
			const line = lines[row];
			putLine(grid, rect.x, rect.y + row, rect.width, line?.strip ?? emptyStrip, line?.tint);
		}
	}
}

const emptyStrip: Strip = {glyphs: [], styles: []};

/** The glyphs of a row, one per column; the right half of a wide one is empty. */
export function rowOf({columns, glyphs}: Grid, y: number): readonly Printable[] {
	return glyphs.slice(y * columns, (y + 1) * columns);
}

/** Puts a line into the grid at (x, y), filling `width` columns and cutting what does not fit. */
export function putLine(grid: Grid, x: number, y: number, width: number, line: Strip, tint?: Colour): void {
	if (y < 0 || y >= grid.rows) return;
	const end = Math.min(x + width, grid.columns);
	const {glyphs, styles} = line;
	const behind = tint === undefined ? plain : onBackground(plain, tint);
	let cell = y * grid.columns + x;
	for (let column = x; column < end; column++, cell++) {
		const at = column - x;
		const glyph = glyphs[at];
		if (glyph === undefined) {
			grid.glyphs[cell] = blank;
			grid.styles[cell] = behind;
			continue;
		}
		const look = styles[at] ?? plain;
		// Half of a wide glyph would shift everything to its right.
		grid.glyphs[cell] = column === end - 1 && glyphs[at + 1] === '' ? blank : glyph;
		grid.styles[cell] = tint === undefined ? look : onBackground(look, tint);
	}
}
