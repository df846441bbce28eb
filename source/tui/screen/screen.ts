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

/** Describes the scenes of frames. */
export interface SceneMaker {
	/**
	 * Describes the current scene. `mayHold`: a key waits for this frame, and another one will follow, so what takes long and is not the
	 * key's may be described as it was in the last frame. The scene says so with `held`.
	 */
	(mayHold?: boolean): Scene & {readonly held?: boolean};
	/**
	 * Does a part of the work that the next scene needs, and returns whether there is more. Between the parts, keys are answered.
	 */
	readonly prepare?: () => boolean;
	/** Whether the time alone may have changed the scene since it was described; without it, it always may. */
	readonly isOutdated?: () => boolean;
}

export interface Screen {
	/** Sets what describes the scene. It is called for each frame; see `SceneMaker`. */
	show(scene: SceneMaker): void;
	/** Call when something that is shown has changed. Draws soon, but not more often than every 40 ms. */
	invalidate(): void;
	/** Call each second. Draws soon if the scene shows a time that has passed since. */
	tick(): void;
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

/** Milliseconds between frames for messages: 25 a second, as fast as anybody reads. A key does not wait for them. */
const frameTime = 40;
/** More than there are panes on a screen. */
const maxParts = 20;
const beginSynchronised = '\u001B[?2026h';
const endSynchronised = '\u001B[?2026l';

const nothing: Scene = {regions: [], cursor: null};

/** Draws scenes on a terminal. Writes only what differs from its contents. */
export function createScreen(output: ScreenOutput, colours: TerminalColours): Screen {
	const painter = createPainter(output, colours);
	let scene: SceneMaker = () => nothing;
	let stopped = false;
	let paused = false;
	let lastFrame = 0;
	let timer: NodeJS.Timeout | undefined;
	let preparing: NodeJS.Immediate | undefined;
	let immediate: NodeJS.Immediate | undefined;

	function flush(): void {
		endTimer();
		draw(false);
	}

	function endTimer(): void {
		clearTimeout(timer);
		clearImmediate(preparing);
		timer = undefined;
		preparing = undefined;
	}

	/** Does the work for a frame in parts. `left`: how many it may still be, since what is shown may change all the time. */
	function prepare(left = maxParts): void {
		preparing = undefined;
		// A key that came meanwhile is drawn first, and may have to show everything.
		if (immediate !== undefined && draw(true) === 'whole') return;
		if (stopped || paused || left === 0 || scene.prepare?.() !== true) flush();
		else preparing = setImmediate(prepare, left - 1);
	}

	/** Draws a frame, and returns whether it shows everything as it is. */
	function draw(mayHold: boolean): 'whole' | 'held' | 'nothing' {
		clearImmediate(immediate);
		immediate = undefined;
		if (stopped || paused) return 'nothing';
		if (output.writableNeedDrain === true) {
			// The terminal is slow. The next difference includes the frames that it misses.
			output.once('drain', invalidate);
			return 'nothing';
		}
		const now = performance.now();
		const next = scene(mayHold);
		painter.draw(next);
		if (next.held === true) return 'held';
		endTimer();
		lastFrame = now;
		return 'whole';
	}

	function invalidate(): void {
		if (stopped || timer !== undefined || preparing !== undefined) return;
		const wait = lastFrame + frameTime - performance.now();
		if (wait <= 0) preparing = setImmediate(prepare);
		else {
			timer = setTimeout(() => {
				timer = undefined;
				prepare();
			}, wait);
		}
	}

	function tick(): void {
		if (scene.isOutdated?.() !== false) invalidate();
	}

	function hurry(): void {
		if (!stopped) immediate ??= setImmediate(() => draw(timer !== undefined || preparing !== undefined));
	}

	function reset(): void {
		painter.reset();
		hurry();
	}

	return {
		show(next) {
			scene = next;
			hurry();
		},
		invalidate,
		tick,
		hurry,
		flush,
		reset,
		row: painter.row,
		pause() {
			paused = true;
		},
		resume() {
			paused = false;
			reset();
		},
		stop() {
			stopped = true;
			endTimer();
			clearImmediate(immediate);
		},
	};
}

interface Painter extends Pick<Screen, 'row'> {
	/** Writes how a scene differs from what is on the terminal. */
	readonly draw: (scene: Scene) => void;
	/** Has the next scene written as a whole. */
	readonly reset: () => void;
}

/** Knows what is on the terminal. */
function createPainter(output: ScreenOutput, colours: TerminalColours): Painter {
	/** The scene that is on the terminal. */
	let shown: Scene = nothing;
	/** What is on the terminal, and what the next scene is drawn in; the same, except while one is drawn. */
	let front = createGrid(output.columns, output.rows);
	let back = createGrid(output.columns, output.rows);
	let shownCursor: string | null = null;
	let blank = true;
	return {
		draw(scene) {
			const runs = redraw(back, shown, scene);
			const changes = difference(front, back, colours, runs);
			copyRuns(back, front, runs);
			shown = scene;
			const cursor = bytesOf(scene.cursor);
			if (changes === '' && !blank && cursor === shownCursor) return;
			// A cursor that stays hidden need not be hidden again.
			const tail = changes === '' || cursor !== shownCursor || scene.cursor !== null ? cursor : '';
			output.write(`${beginSynchronised}${blank ? '\u001B[m\u001B[2J' : ''}${changes}${tail}${endSynchronised}`);
			shownCursor = cursor;
			blank = false;
		},
		reset() {
			front = createGrid(output.columns, output.rows);
			back = createGrid(output.columns, output.rows);
			shown = nothing;
			blank = true;
			shownCursor = null;
		},
		row: y => rowOf(front, y),
	};
}

function bytesOf(cursor: Position | null): string {
	return cursor === null ? '\u001B[?25l' : `\u001B[${cursor.y + 1};${cursor.x + 1}H\u001B[?25h`;
}
