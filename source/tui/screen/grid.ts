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

/** Cells of a row, from column `start` to before `end`. */
export interface Run {
	readonly y: number;
	readonly start: number;
	readonly end: number;
}

/** All rows of a grid. */
export function rowsOf({columns, rows}: Grid): Run[] {
	return Array.from({length: rows}, (_, y) => ({y, start: 0, end: columns}));
}

/**
 * Replaces a grid's contents, which is the frame `before`, with the frame `after`, and returns the runs outside of which nothing has
 * changed. Most lines of a frame are those of the last one; they are told by their strips alone.
 */
export function redraw(grid: Grid, before: Scene, after: Scene): readonly Run[] {
	if (!hasSameRects(before.regions, after.regions) || hasOverlap(after.regions)) {
		drawScene(grid, after);
		return rowsOf(grid);
	}
	const runs: Run[] = [];
	for (const [index, {rect, lines}] of after.regions.entries()) {
		const known = before.regions[index]?.lines;
		if (known === lines) continue;
		for (let row = 0; row < rect.height; row++) {
			const line = lines[row];
			if (known?.[row]?.strip === line?.strip && known?.[row]?.tint === line?.tint) continue;
			const y = rect.y + row;
			if (y < 0 || y >= grid.rows) continue;
			putLine(grid, rect.x, y, rect.width, line?.strip ?? emptyStrip, line?.tint);
			runs.push({y, start: rect.x, end: Math.min(rect.x + rect.width, grid.columns)});
		}
	}
	return runs;
}

function hasSameRects(before: readonly Region[], after: readonly Region[]): boolean {
	return before.length === after.length && before.every(({rect}, at) => isSameRect(rect, after[at]?.rect));
}

function isSameRect(one: Rect, other: Rect | undefined): boolean {
	return one.x === other?.x && one.y === other.y && one.width === other.width && one.height === other.height;
}

function hasOverlap(regions: readonly Region[]): boolean {
	return regions.some(({rect}, at) => regions.slice(at + 1).some(other => overlap(rect, other.rect)));
}

function overlap(one: Rect, other: Rect): boolean {
	return (
		one.x < other.x + other.width &&
		other.x < one.x + one.width &&
		one.y < other.y + other.height &&
		other.y < one.y + one.height
	);
}

/** Copies runs of cells to a grid of the same size. */
export function copyRuns(from: Grid, to: Grid, runs: readonly Run[]): void {
	for (const {y, start, end} of runs) {
		for (let cell = y * from.columns + start, last = y * from.columns + end; cell < last; cell++) {
			to.glyphs[cell] = from.glyphs[cell] ?? blank;
			to.styles[cell] = from.styles[cell] ?? plain;
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
