import {EventEmitter} from 'node:events';
import {difference} from './difference.ts';
import {readRow} from './frame.ts';
import {createGrid, lay, type PaintedLine, type Rect} from './grid.ts';
import type {Strip} from './strip.ts';
import type {TerminalColours} from './sgr.ts';

/** Where frames go: the terminal, or a test's recorder. */
export interface ScreenOutput {
	readonly columns: number;
	readonly rows: number;
	readonly writableNeedDrain?: boolean;
	write(bytes: string): unknown;
	once(event: 'drain', listener: () => void): unknown;
}

/** What paints a pane: asked for its lines, at most `height` of them, whenever a frame is drawn. */
type Painter = (rect: Rect) => readonly PaintedLine[];

interface Position {
	readonly x: number;
	readonly y: number;
}

export interface Screen extends EventEmitter {
	readonly isTTY: true;
	readonly columns: number;
	readonly rows: number;
	/** Ink's side: one whole frame of chrome per commit (`debug: true`). */
	write(frame: string): boolean;
	/** A pane's body: painted over the chrome in this rectangle, until the returned function is called. */
	place(rect: Rect, painter: Painter): () => void;
	/** A rectangle in which the chrome stands above the panes (an overlay), until the returned function is called. */
	cover(rect: Rect): () => void;
	/** Where the terminal's cursor blinks; null hides it. A function is asked at each frame. */
	setCursor(position: Position | (() => Position | null) | null): void;
	/** Something that panes show has changed. Frames are drawn at most each 16 ms, the first one at once. */
	invalidate(): void;
	/** A key was pressed: a frame is drawn as soon as everything that it changed is known. */
	hurry(): void;
	/** Draws now, if anything differs. */
	flush(): void;
	/** The terminal has another size, or lost what stood there: everything is drawn anew. */
	reset(): void;
	/** The glyphs of a row as they stand on the terminal, one a column; the right half of a wide one is empty. */
	row(y: number): readonly string[];
	/** Another program has the terminal: nothing is drawn until `resume`, which draws everything anew. */
	pause(): void;
	resume(): void;
	/** Draws nothing any more. */
	stop(): void;
}

const frameTime = 16;
const beginSynchronised = '\u001B[?2026h';
const endSynchronised = '\u001B[?2026l';

/**
 * The hybrid: Ink draws the chrome into this object as its stdout, panes are painted over it from lines that were wrapped
 * before, and only the difference to what stands on the terminal is written.
 */
export function createScreen(output: ScreenOutput, colours: TerminalColours): Screen {
	const emitter = new EventEmitter();
	emitter.setMaxListeners(50);
	const places = new Set<{readonly rect: Rect; readonly painter: Painter}>();
	const covers = new Set<Rect>();
	const rowCache = new Map<string, Strip>();
	let chrome: readonly Strip[] = [];
	let front = createGrid(output.columns, output.rows);
	let back = createGrid(output.columns, output.rows);
	let locate: () => Position | null = () => null;
	let shownCursor: string | null = null;
	let blank = true;
	let stopped = false;
	let paused = false;
	let lastFrame = 0;
	let timer: NodeJS.Timeout | undefined;
	let immediate: NodeJS.Immediate | undefined;

	function compose(): void {
		for (let y = 0; y < back.rows; y++) lay(back, 0, y, back.columns, chrome[y] ?? emptyStrip);
		for (const {rect, painter} of places) {
			const lines = painter(rect);
			for (let line = 0; line < rect.height; line++) {
				const painted = lines[line];
				lay(back, rect.x, rect.y + line, rect.width, painted?.strip ?? emptyStrip, painted?.tint);
			}
		}
		for (const {x, y, width, height} of covers) {
			for (let line = y; line < y + height; line++) {
				const row = chrome[line] ?? emptyStrip;
				lay(back, x, line, width, {glyphs: row.glyphs.slice(x, x + width), styles: row.styles.slice(x, x + width)});
			}
		}
	}

	function bytesOf(cursor: Position | null): string {
		return cursor === null ? '\u001B[?25l' : `\u001B[${cursor.y + 1};${cursor.x + 1}H\u001B[?25h`;
	}

	function flush(): void {
		clearTimeout(timer);
		clearImmediate(immediate);
		timer = undefined;
		immediate = undefined;
		if (stopped || paused) return;
		if (output.writableNeedDrain === true) {
			// A slow line: what it missed is in the next difference.
			output.once('drain', () => screen.invalidate());
			return;
		}
		lastFrame = performance.now();
		compose();
		const changes = difference(front, back, colours);
		const cursor = locate();
		const place = bytesOf(cursor);
		if (changes === '' && !blank && place === shownCursor) return;
		// A cursor that stays hidden need not be hidden again.
		const tail = changes === '' || place !== shownCursor || cursor !== null ? place : '';
		output.write(`${beginSynchronised}${blank ? '\u001B[m\u001B[2J' : ''}${changes}${tail}${endSynchronised}`);
		shownCursor = place;
		blank = false;
		[front, back] = [back, front];
	}

	function reset(): void {
		front = createGrid(output.columns, output.rows);
		back = createGrid(output.columns, output.rows);
		blank = true;
		shownCursor = null;
		emitter.emit('resize');
		screen.hurry();
	}

	const screen: Screen = Object.assign(emitter, {
		isTTY: true as const,
		columns: 0,
		rows: 0,
		write(frame: string) {
			// Ink also shows and hides a cursor; that is ours to place.
			if (frame === '' || frame === '\n' || privateMode.test(frame)) return true;
			chrome = frame.split('\n').map(row => cachedRow(row));
			screen.hurry();
			return true;
		},
		place(rect: Rect, painter: Painter) {
			const placed = {rect, painter};
			places.add(placed);
			screen.hurry();
			return () => {
				places.delete(placed);
				screen.hurry();
			};
		},
		cover(rect: Rect) {
			covers.add(rect);
			screen.hurry();
			return () => {
				covers.delete(rect);
				screen.hurry();
			};
		},
		setCursor(position: Position | (() => Position | null) | null) {
			locate = typeof position === 'function' ? position : () => position;
			screen.hurry();
		},
		invalidate() {
			if (stopped || immediate !== undefined || timer !== undefined) return;
			const wait = lastFrame + frameTime - performance.now();
			if (wait <= 0) screen.hurry();
			else timer = setTimeout(flush, wait);
		},
		hurry() {
			if (!stopped) immediate ??= setImmediate(flush);
		},
		flush,
		reset,
		row: (y: number) => front.glyphs.slice(y * front.columns, (y + 1) * front.columns),
		pause() {
			paused = true;
		},
		resume() {
			paused = false;
			reset();
		},
		stop() {
			stopped = true;
			clearTimeout(timer);
			clearImmediate(immediate);
		},
	});
	Object.defineProperty(screen, 'columns', {get: () => output.columns});
	Object.defineProperty(screen, 'rows', {get: () => output.rows});

	function cachedRow(row: string): Strip {
		let known = rowCache.get(row);
		if (known === undefined) {
			if (rowCache.size > 500) rowCache.clear();
			rowCache.set(row, (known = readRow(row)));
		}
		return known;
	}

	return screen;
}

const privateMode = /^\u001B\[\?[0-9;]*[a-z]$/u;
const emptyStrip: Strip = {glyphs: [], styles: []};
