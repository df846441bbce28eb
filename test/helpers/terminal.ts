import {spawn as spawnPty} from '@lydell/node-pty';
import xterm from '@xterm/headless';

/** A program in a pseudo-terminal, and what stands on its screen. */
export interface TestTerminal {
	/** The rows as a human reads them, without trailing blanks. */
	screen(): string[];
	/** Everything on the screen, rows joined by line breaks. */
	text(): string;
	/** The glyph and look of one cell, counted from 0. */
	cell(x: number, y: number): {glyph: string; width: number; bold: boolean; foreground: number; background: number};
	/** Everything that a picture of a cell needs; colours as `#rrggbb`, null for the terminal's own. */
	drawn(x: number, y: number): DrawnCell;
	/** Rows that go on where the one above had no room for what was written into it. */
	readonly overflowing: number[];
	/** Where a click on a cell leads (OSC 8). */
	link(x: number, y: number): string | undefined;
	readonly cursor: {readonly x: number; readonly y: number};
	/** What the program has copied last (OSC 52). */
	readonly clipboard: string | null;
	/** What the program last asked of its cursor (DECSCUSR); null: nothing. */
	readonly cursorShape: number | null;
	/** Whether the program is on the alternate screen. */
	readonly alternate: boolean;
	/** Whether the program has asked for reports of the mouse. */
	readonly mouse: boolean;
	readonly pid: number;
	/** How often it rang, and the texts of its notifications (OSC 9). */
	readonly bells: number;
	readonly notifications: readonly string[];
	/** Bytes that the program has written so far. */
	readonly bytes: number;
	/** Resolves with the screen once it holds what is waited for; rejects with the screen after `timeout` milliseconds. */
	waitFor(what: string | RegExp | ((screen: string[]) => boolean), timeout?: number): Promise<string[]>;
	write(keys: string): void;
	writeBytes(bytes: Buffer): void;
	/** Closes the terminal, as a window is closed. */
	hangUp(): void;
	resize(columns: number, rows: number): void;
	kill(signal?: string): void;
	/** Resolves with the exit code once the program has ended. */
	readonly exited: Promise<number>;
}

export interface DrawnCell {
	/** Empty for the second half of a wide one. */
	readonly glyph: string;
	/** Cells that it takes: 0 for the second half of a wide one. */
	readonly width: number;
	readonly ink: string | null;
	readonly ground: string | null;
	readonly bold: boolean;
	readonly italic: boolean;
	readonly dim: boolean;
	readonly underline: boolean;
	readonly struck: boolean;
}

export interface SpawnOptions {
	readonly cols?: number;
	readonly rows?: number;
	readonly cwd?: string;
	/** Added to a bare environment: HOME and PATH alone come from ours. Undefined takes one away. */
	readonly env?: {readonly [name: string]: string | undefined};
	/** Called with each piece of the program's output. */
	readonly onOutput?: (output: string) => void;
}

const {Terminal} = xterm;

/** A time zone in which it is noon: what happened some hours ago is of another day elsewhere, and is shown with its date. */
function whereItIsNoon(): string {
	const hours = 12 - new Date().getUTCHours();
	// POSIX counts the other way round.
	return `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}

/** Starts a command in a pseudo-terminal of a real size, read by a real terminal emulator. */
export function spawn(
	command: readonly string[],
	{cols = 80, rows = 24, cwd, env = {}, onOutput}: SpawnOptions = {},
): TestTerminal {
	const [file = '', ...args] = command;
	const terminal = new Terminal({cols, rows, allowProposedApi: true, scrollback: 1000});
	const given = {
		PATH: process.env['PATH'],
		HOME: process.env['HOME'],
		TERM: 'xterm-256color',
		COLORTERM: 'truecolor',
		LANG: 'C.UTF-8',
		TZ: whereItIsNoon(),
		...env,
	};
	const pty = spawnPty(file, args, {
		cols,
		rows,
		name: 'xterm-256color',
		cwd: cwd ?? process.cwd(),
		env: Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)),
	});
	const waiting = new Set<() => void>();
	let clipboard: string | null = null;
	terminal.parser.registerOscHandler(52, data => {
		clipboard = Buffer.from(data.slice(data.indexOf(';') + 1), 'base64').toString();
		return true;
	});
	const notifications: string[] = [];
	let bells = 0;
	let cursorShape: number | null = null;
	terminal.parser.registerCsiHandler({intermediates: ' ', final: 'q'}, ([shape]) => {
		cursorShape = typeof shape === 'number' ? shape : null;
		return false;
	});
	terminal.onBell(() => bells++);
	terminal.parser.registerOscHandler(9, text => notifications.push(text) > 0);
	let bytes = 0;
	let ended = false;
	// The emulator draws at once what a real terminal holds back until a synchronised update ends: nobody looks before.
	let updating = false;
	let tail = '';
	pty.onData(data => {
		bytes += Buffer.byteLength(data);
		onOutput?.(data);
		tail = (tail + data).slice(-Math.max(data.length, 8) - 8);
		const [begun, over] = [tail.lastIndexOf('\u001B[?2026h'), tail.lastIndexOf('\u001B[?2026l')];
		if (begun !== over) updating = begun > over;
		const whole = !updating;
		terminal.write(data, () => {
			if (whole) waiting.forEach(check => check());
		});
	});
	// The terminal answers what the program asks it.
	terminal.onData(answer => {
		if (!ended) pty.write(answer);
	});
	const exited = new Promise<number>(resolve => {
		pty.onExit(({exitCode}) => {
			ended = true;
			// What was written last is still on its way through the emulator.
			terminal.write('', () => resolve(exitCode));
		});
	});

	const screen = () => {
		const {active} = terminal.buffer;
		return Array.from(
			{length: terminal.rows},
			(_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '',
		);
	};

	return {
		screen,
		text: () => screen().join('\n'),
		cell(x, y) {
			const {active} = terminal.buffer;
			const cell = active.getLine(active.baseY + y)?.getCell(x);
			if (cell === undefined) throw new Error(`There is no cell at ${x}, ${y}.`);
			return {
				glyph: cell.getChars(),
				width: cell.getWidth(),
				bold: cell.isBold() !== 0,
				foreground: cell.isFgDefault() ? -1 : cell.getFgColor(),
				background: cell.isBgDefault() ? -1 : cell.getBgColor(),
			};
		},
		drawn(x, y) {
			const {active} = terminal.buffer;
			const cell = active.getLine(active.baseY + y)?.getCell(x);
			if (cell === undefined) throw new Error(`There is no cell at ${x}, ${y}.`);
			// For pictures, the program was told that the terminal has all colours.
			const hex = (colour: number) => `#${colour.toString(16).padStart(6, '0')}`;
			const ink = cell.isFgDefault() ? null : hex(cell.getFgColor());
			const ground = cell.isBgDefault() ? null : hex(cell.getBgColor());
			return {
				glyph: cell.getChars(),
				width: cell.getWidth(),
				ink,
				ground,
				bold: cell.isBold() !== 0,
				italic: cell.isItalic() !== 0,
				dim: cell.isDim() !== 0,
				underline: cell.isUnderline() !== 0,
				struck: cell.isStrikethrough() !== 0,
			};
		},
		get overflowing() {
			const {active} = terminal.buffer;
			return Array.from({length: terminal.rows}, (_, y) => y).filter(y => active.getLine(active.baseY + y)?.isWrapped);
		},
		link(x, y) {
			const {active} = terminal.buffer;
			const cell = active.getLine(active.baseY + y)?.getCell(x) as unknown as {extended: {urlId: number}} | undefined;
			// The emulator knows it, and its interface has no word for it.
			const {_core: core} = terminal as unknown as {
				_core: {_oscLinkService: {getLinkData(id: number): {uri: string} | undefined}};
			};
			return core._oscLinkService.getLinkData(cell?.extended.urlId ?? 0)?.uri;
		},
		get cursor() {
			return {x: terminal.buffer.active.cursorX, y: terminal.buffer.active.cursorY};
		},
		get clipboard() {
			return clipboard;
		},
		get cursorShape() {
			return cursorShape;
		},
		get alternate() {
			return terminal.buffer.active.type === 'alternate';
		},
		get mouse() {
			return terminal.modes.mouseTrackingMode !== 'none';
		},
		pid: pty.pid,
		get bells() {
			return bells;
		},
		notifications,
		get bytes() {
			return bytes;
		},
		waitFor(what, timeout = 45_000) {
			const holds = () => {
				const rows = screen();
				if (typeof what === 'function') return what(rows);
				const text = rows.join('\n');
				return typeof what === 'string' ? text.includes(what) : what.test(text);
			};
			return new Promise((resolve, reject) => {
				const done = () => {
					clearTimeout(timer);
					waiting.delete(check);
				};
				const check = () => {
					if (!holds()) return;
					done();
					resolve(screen());
				};
				const timer = setTimeout(() => {
					done();
					reject(new Error(`The screen never showed ${String(what)}. It shows:\n${screen().join('\n')}`));
				}, timeout);
				waiting.add(check);
				check();
			});
		},
		write: keys => pty.write(keys),
		// It takes bytes, too, though its types do not say so.
		writeBytes: bytes => pty.write(bytes as unknown as string),
		// It is not in the types: the end of the terminal that is ours is closed, and the kernel tells the program.
		hangUp: () => (pty as unknown as {destroy(): void}).destroy(),
		resize(columns, lines) {
			terminal.resize(columns, lines);
			pty.resize(columns, lines);
		},
		kill: signal => {
			if (!ended) pty.kill(signal);
		},
		exited,
	};
}
