import {difference} from './difference.ts';
import {createGrid, drawScene, rowOf, type Position, type Scene} from './grid.ts';
import type {TerminalColours} from './sgr.ts';

/** Where frames go: the terminal, or a test's recorder. */
export interface ScreenOutput {
	readonly columns: number;
	readonly rows: number;
	readonly writableNeedDrain?: boolean;
	write(bytes: string): unknown;
	once(event: 'drain', listener: () => void): unknown;
}

export interface Screen {
	/** What is shown from now on: asked for whenever a frame is drawn. */
	show(scene: () => Scene): void;
	/** Something that is shown has changed. Frames are drawn at most each 16 ms, the first one at once. */
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

/** Draws scenes onto a terminal: only the difference to what stands there is written. */
export function createScreen(output: ScreenOutput, colours: TerminalColours): Screen {
	let scene = (): Scene => ({regions: [], cursor: null});
	let front = createGrid(output.columns, output.rows);
	let back = createGrid(output.columns, output.rows);
	let shownCursor: string | null = null;
	let blank = true;
	let stopped = false;
	let paused = false;
	let lastFrame = 0;
	let timer: NodeJS.Timeout | undefined;
	let immediate: NodeJS.Immediate | undefined;

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
			output.once('drain', invalidate);
			return;
		}
		lastFrame = performance.now();
		const next = scene();
		drawScene(back, next);
		const changes = difference(front, back, colours);
		const place = bytesOf(next.cursor);
		if (changes === '' && !blank && place === shownCursor) return;
		// A cursor that stays hidden need not be hidden again.
		const tail = changes === '' || place !== shownCursor || next.cursor !== null ? place : '';
		output.write(`${beginSynchronised}${blank ? '\u001B[m\u001B[2J' : ''}${changes}${tail}${endSynchronised}`);
		shownCursor = place;
		blank = false;
		[front, back] = [back, front];
	}

	function invalidate(): void {
		if (stopped || immediate !== undefined || timer !== undefined) return;
		const wait = lastFrame + frameTime - performance.now();
		if (wait <= 0) hurry();
		else timer = setTimeout(flush, wait);
	}

	function hurry(): void {
		if (!stopped) immediate ??= setImmediate(flush);
	}

	function reset(): void {
		front = createGrid(output.columns, output.rows);
		back = createGrid(output.columns, output.rows);
		blank = true;
		shownCursor = null;
		hurry();
	}

	return {
		show(next) {
			scene = next;
			hurry();
		},
		invalidate,
		hurry,
		flush,
		reset,
		row: y => rowOf(front, y),
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
	};
}
