import type {WriteStream} from 'node:tty';
import type {ScreenOutput} from '../screen/screen.ts';
import type {Depth} from '../screen/style.ts';

export interface Size {
	readonly columns: number;
	readonly rows: number;
}

/** The terminal's size; 80x24 if it reports 0, as one that does not know its size does. */
export function sizeOf({columns, rows}: WriteStream): Size {
	return {columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24};
}

/** Calls `onResize` whenever the terminal's size may have changed. Returns what ends it. */
export function watchSize(stdout: WriteStream, onResize: () => void): () => void {
	// Node emits no `resize` for a size that has changed back before Node reads it, although the terminal has moved its contents.
	const onWindowChange = () => setImmediate(onResize);
	stdout.on('resize', onResize);
	process.on('SIGWINCH', onWindowChange);
	return () => {
		stdout.off('resize', onResize);
		process.off('SIGWINCH', onWindowChange);
	};
}

/** The terminal as the screen uses it. */
export function outputTo(stdout: WriteStream): ScreenOutput {
	return {
		get columns() {
			return sizeOf(stdout).columns;
		},
		get rows() {
			return sizeOf(stdout).rows;
		},
		get writableNeedDrain() {
			return stdout.writableNeedDrain;
		},
		write: bytes => stdout.write(bytes),
		once: (event, listener) => stdout.once(event, listener),
	};
}

/** How many colours the terminal has, as Node derives it from TERM, COLORTERM, NO_COLOR and FORCE_COLOR. */
export function depthOf(stdout: WriteStream, env: NodeJS.ProcessEnv): Depth {
	if ((env['NO_COLOR'] ?? '') !== '') return 1;
	// Node assumes fewer colours when CI is set, which says nothing about a real terminal.
	const {CI: _, ...rest} = env;
	return typeof stdout.getColorDepth === 'function' ? (stdout.getColorDepth(rest) as Depth) : 4;
}
