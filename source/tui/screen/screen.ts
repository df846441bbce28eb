import {difference} from './difference.ts';
import {copyRuns, createGrid, redraw, rowOf, type Position, type Scene} from './grid.ts';
import type {TerminalColours} from './sgr.ts';

/** Where frames go: the terminal, or a test's recorder. */
export interface ScreenOutput {
	readonly columns: number;
	readonly rows: number;
	readonly writableNeedDrain?: boolean;
	write(bytes: string): unknown;
	once(event: 'drain', listener: () => void): unknown;
}

/**
 * Describes the scene. `mayHold`: a key waits for this frame, and another one will follow, so what takes long and is not the
 * key's may be described as it was in the last frame. The scene says so with `held`.
 */
export type SceneMaker = (mayHold?: boolean) => Scene & {readonly held?: boolean};

export interface Screen {
	/** Sets what describes the scene. It is called for each frame; see `SceneMaker`. */
	show(scene: SceneMaker): void;
	/** Call when something that is shown has changed. Draws soon, but not more often than every 33 ms. */
	invalidate(): void;
	/**
	 * Call after a key. Draws as soon as the current turn of the event loop, and with it all that the key changes, is over. The frame may
	 * leave to a later one what `invalidate` announced.
	 */
	hurry(): void;
	/** Draws now. Writes nothing if nothing differs. */
	flush(): void;
	/** Redraws everything, because the terminal has another size or has lost its contents. */
	reset(): void;
	/** The glyphs in a row of the terminal, one per column; the right half of a wide one is empty. */
	row(y: number): readonly string[];
	/** Draws nothing until `resume`, which redraws everything, because another program is using the terminal. */
	pause(): void;
	resume(): void;
	/** Draws nothing from now on. */
	stop(): void;
}

/** Milliseconds between frames for messages: 30 a second, as fast as anybody reads. A key does not wait for them. */
const frameTime = 33;
const beginSynchronised = '\u001B[?2026h';
const endSynchronised = '\u001B[?2026l';

const nothing: Scene = {regions: [], cursor: null};

/** Draws scenes on a terminal. Writes only what differs from its contents. */
export function createScreen(output: ScreenOutput, colours: TerminalColours): Screen {
	let scene: SceneMaker = () => nothing;
	/** The scene that is on the terminal. */
	let shown: Scene = nothing;
	/** What is on the terminal, and what the next frame is drawn in; the same, except while a frame is drawn. */
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
		timer = undefined;
		draw(false);
	}

	function draw(mayHold: boolean): void {
		clearImmediate(immediate);
		immediate = undefined;
		if (stopped || paused) return;
		if (output.writableNeedDrain === true) {
			// The terminal is slow. The next difference includes the frames that it misses.
			output.once('drain', invalidate);
			return;
		}
		const now = performance.now();
		const next = scene(mayHold);
		if (next.held !== true) {
			clearTimeout(timer);
			timer = undefined;
			lastFrame = now;
		}
		const runs = redraw(back, shown, next);
		const changes = difference(front, back, colours, runs);
		copyRuns(back, front, runs);
		shown = next;
		const cursor = bytesOf(next.cursor);
		if (changes === '' && !blank && cursor === shownCursor) return;
		// A cursor that stays hidden need not be hidden again.
		const tail = changes === '' || cursor !== shownCursor || next.cursor !== null ? cursor : '';
		output.write(`${beginSynchronised}${blank ? '\u001B[m\u001B[2J' : ''}${changes}${tail}${endSynchronised}`);
		shownCursor = cursor;
		blank = false;
	}

	function invalidate(): void {
		if (stopped || timer !== undefined) return;
		const wait = lastFrame + frameTime - performance.now();
		if (wait <= 0) hurry();
		else timer = setTimeout(flush, wait);
	}

	function hurry(): void {
		if (!stopped) immediate ??= setImmediate(() => draw(timer !== undefined));
	}

	function reset(): void {
		front = createGrid(output.columns, output.rows);
		back = createGrid(output.columns, output.rows);
		shown = nothing;
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
