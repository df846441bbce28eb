// Two screens in one process, each with its own keys, colours and size: each looks as it does when it has the modules of the
// program to itself, in a copy of them. All four run at once, and what should be equal is compared until it is.
import {EventEmitter} from 'node:events';
import {cp, mkdtemp, rm} from 'node:fs/promises';
import path from 'node:path';
import {PassThrough} from 'node:stream';
import type {ReadStream, WriteStream} from 'node:tty';
import {pathToFileURL} from 'node:url';
import xterm from '@xterm/headless';
import {afterAll, beforeAll, expect, it, onTestFinished, vi} from 'vitest';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import type {readPreferences, startTui} from '../fixtures/start-tui.ts';
import {scenes} from '../fixtures/scenes.ts';
import {bundle} from '../helpers/bundle.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

interface Program {
	readonly startTui: typeof startTui;
	readonly readPreferences: typeof readPreferences;
}

interface Wanted {
	readonly columns: number;
	readonly rows: number;
	readonly depth: number;
	readonly settings: {readonly [name: string]: unknown};
	/** What is typed, and what shows that it was done. */
	readonly script: ReadonlyArray<readonly [keys: string, shows: RegExp]>;
}

const bright: Wanted = {
	columns: 130,
	rows: 40,
	depth: 24,
	settings: {
		'keys.up': 'ü',
		'keys.help': 'h',
		'keys.open': 'ö',
		'keys.compose': 'w',
		'theme.name': 'light',
		'theme.good': '#123456',
		'theme.tags.CLAUDE_1': '#aa00aa',
		'ui.motion': false,
	},
	script: [
		['', /1 for you/],
		['h', /ö +thread; inside/],
		['q', /press w to write/],
		['üü', /▌/],
		['ö', /thread #/],
		['w@CLAUDE_1 hello', /@CLAUDE_1 hello/],
	],
};

const dark: Wanted = {
	columns: 80,
	rows: 24,
	depth: 4,
	settings: {'keys.search': 'ß', 'theme.name': 'high-contrast', 'ui.motion': false},
	script: [
		['', /1 for you/],
		['?', /enter +thread; inside/],
		['q', /press c to write/],
		['kk', /▌/],
		['ßdata', /1 of/],
		['\u001B', /press c to write/],
	],
};

/** Copies of the program, each with modules of its own: one for each screen alone, and one for both. */
const copies: Program[] = [];
beforeAll(async () => {
	const program = await bundle('start-tui.ts');
	// Beside it, where it finds the packages.
	const folder = await mkdtemp(path.join(path.dirname(path.dirname(program)), 'two-screens-'));
	copiesIn = folder;
	for (const name of ['bright', 'dark', 'both']) {
		const copy = path.join(folder, name);
		await cp(path.dirname(program), copy, {recursive: true});
		copies.push((await import(pathToFileURL(path.join(copy, path.basename(program))).href)) as Program);
	}
}, 120_000);

let copiesIn: string;
afterAll(() => rm(copiesIn, {recursive: true}));

it('look as each does alone, through keys, themes, numbers of colours and sizes', async () => {
	vi.useFakeTimers({toFake: ['Date'], now: Date.parse('2026-11-20T14:03:00Z')});
	onTestFinished(() => void vi.useRealTimers());
	const server = new MemoryServer();
	await scenes['two']?.(server);
	const pairs = [bright, dark].map((wanted, index) => ({
		wanted,
		alone: start(copies[index], server, wanted),
		beside: start(copies[2], server, wanted),
	}));
	for (const step of bright.script.keys()) {
		for (const {wanted, alone, beside} of pairs)
			for (const each of [alone, beside]) each.type(wanted.script[step]?.[0] ?? '');
		for (const {wanted, alone, beside} of pairs) {
			const [keys, shows = /./] = wanted.script[step] ?? [];
			await vi.waitFor(
				() => {
					expect(alone.text(), `after ${keys}`).toMatch(shows);
					expect(beside.looks(), `after ${keys}`).toEqual(alone.looks());
				},
				{timeout: 30_000, interval: 50},
			);
		}
	}
	const [one, other] = pairs.map(({beside}) => beside.looks().join('\n'));
	expect(one).not.toEqual(other);
}, 240_000);

/** A screen on a terminal of its own, until the test ends. */
function start(program: Program | undefined, server: MemoryServer, {columns, rows, depth, settings}: Wanted) {
	if (program === undefined) throw new Error('There is no such copy.');
	const terminal = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
	const stdin = Object.assign(new PassThrough(), {isTTY: true, setRawMode: () => stdin});
	const stdout = Object.assign(new EventEmitter(), {
		columns,
		rows,
		isTTY: true,
		writableNeedDrain: false,
		getColorDepth: () => depth,
		write: (bytes: string) => terminal.write(bytes),
	});
	const store = createMailboxStore(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}));
	const ended = program.startTui({
		store,
		name: 'local hub',
		stdin: stdin as unknown as ReadStream,
		stdout: stdout as unknown as WriteStream,
		env: {},
		preferences: program.readPreferences({values: new Map(Object.entries(settings)), placeOf: name => name}, {}),
	});
	onTestFinished(async () => {
		stdout.emit('error', new Error('the window was closed'));
		await ended;
		await store.close();
	});

	const cells = (y: number) => {
		const row = terminal.buffer.active.getLine(y);
		return Array.from({length: columns}, (_, x) => row?.getCell(x));
	};
	return {
		type: (keys: string) => void stdin.write(keys),
		text: () => Array.from({length: rows}, (_, y) => terminal.buffer.active.getLine(y)?.translateToString()).join('\n'),
		/** Each row with the colours of its cells. */
		looks: () =>
			Array.from({length: rows}, (_, y) =>
				cells(y)
					.map(cell => `${cell?.getChars()}${cell?.getFgColor()},${cell?.getBgColor()},${cell?.isBold()}`)
					.join(' '),
			),
	};
}
