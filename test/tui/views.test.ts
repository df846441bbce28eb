import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import {contrast} from '../../source/tui/screen/contrast.ts';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

interface Size {
	readonly cols: number;
	readonly rows: number;
}

const themes = {
	dark: {background: 'rgb:1212/1212/1212', paper: 0x121212, ink: 0xd4d4d4, claude1: 0x6fb7ff, overlay: 0x1a1f29},
	light: {background: 'rgb:ffff/ffff/ffff', paper: 0xffffff, ink: 0x1f2328, claude1: 0x0a5fb5, overlay: 0xedf0f4},
} as const;
type Theme = (typeof themes)[keyof typeof themes];

interface View {
	readonly name: string;
	readonly keys: readonly string[];
	/** What is there then. */
	readonly shows: string | RegExp;
	/** Words of it on the background of overlays. */
	readonly over?: string;
	/** Whether all panes are seen, with the lines between them. */
	readonly whole?: boolean;
	/** Leads back to where the next one begins. */
	readonly back: readonly string[];
	readonly mode?: string;
}

const escape = '\u001B';
const erase = '\u0015';

/** All of them, walked one after the other: each is left for the panes as they were. */
const views: readonly View[] = [
	{name: 'panes', keys: [], shows: /Two things of 2025:[^]*· {2}?orders {2}?日本/, whole: true, back: []},
	{name: 'thread', keys: ['gj\r'], shows: /thread #1 {2}2 messages/, whole: true, back: [escape, 'G']},
	{
		name: 'compose',
		keys: [`c${erase}a draft\nof two lines`],
		shows: /a draft\s+of two lines/,
		back: [`${erase}\u007F${erase}`, escape],
		mode: 'COMPOSE',
	},
	{
		name: 'completion',
		keys: [`c${erase}@CLAUDE`],
		shows: /▌@CLAUDE_1[^]*@CLAUDE_TWIN/,
		back: [erase, escape],
		mode: 'COMPOSE',
	},
	{name: 'tag picker', keys: ['#'], shows: 'Write as', over: 'enter select', back: [escape]},
	{
		name: 'quit with a draft',
		keys: ['c x', escape, 'q'],
		shows: 'You have a draft.',
		over: 'any other key',
		back: ['n', `c${erase}`, escape],
	},
	{
		name: 'search',
		keys: ['/2025'],
		shows: /1 of 3[^]*Two things of 2025/,
		over: 'enter select',
		back: [escape],
		mode: 'SEARCH',
	},
	{
		name: 'palette',
		keys: [':goto'],
		shows: /go to CLAUDE_1[^]*go to CLAUDE_TWIN/,
		over: 'go to CLAUDE_TWIN',
		back: [escape],
	},
	{
		name: 'filter that does not parse',
		keys: ['fis:unred'],
		shows: /is:unred[^]*is:unread/,
		over: 'is:unred',
		back: [erase, escape],
		mode: 'FILTER',
	},
	{
		name: 'filter',
		keys: ['fis:unverified\r'],
		shows: / f is:unverified /,
		whole: true,
		back: [`f${erase}`, escape],
	},
	{
		name: 'filter of ALL',
		keys: ['9', 'fis:unverified\r'],
		shows: / f is:unverified /,
		whole: true,
		back: [`f${erase}`, escape],
	},
	{name: 'help', keys: ['1', '?'], shows: /Reading[^]*next pane/, over: 'next pane', back: ['q']},
	{
		name: 'tasks',
		keys: ['t'],
		shows: /▶ #1 Task X: mon[^]*━*─* {2}0\/3[^]*✓ #6 List the sou/,
		whole: true,
		back: [],
	},
	{name: 'task', keys: ['g\r'], shows: /status +(?:queued|running)/, over: 'status', back: [escape]},
	{name: 'cancel', keys: ['x'], shows: 'Cancel #1 Task X: monthly report with its', over: 'cancel it', back: ['n']},
	{name: 'assign', keys: ['jA'], shows: 'assign #2 to', over: 'enter select', back: [escape]},
	{name: 'result', keys: ['G\r'], shows: /sources\s[^]*id +name +format/, over: 'source 1', back: [escape]},
	{
		name: 'timeline',
		keys: ['1', 'T'],
		shows: /TIMELINE {2}\d\d:\d\d – [^]*● now[^]*in this window[^]*Two things of 2025: - `orders`/,
		back: [escape],
		mode: 'TIMELINE',
	},
	{
		name: 'replay',
		keys: ['T', '<'],
		shows: /◐ \d\d:\d\d:\d\d as it was/,
		back: [escape, escape],
		mode: 'TIMELINE',
	},
];

/** Each after what the one before did is seen: what follows an ESC at once would be one key with it. */
async function press(terminal: TestTerminal, keys: readonly string[]): Promise<void> {
	for (const each of keys) {
		const before = lasting(terminal.screen());
		terminal.write(each);
		await terminal.waitFor(screen => lasting(screen) !== before);
	}
}

/** Leaves the view, and is sure of it. */
async function leave(terminal: TestTerminal, {back, shows}: View): Promise<void> {
	await press(terminal, back);
	if (back.length === 0) return;
	await terminal.waitFor(screen => {
		const text = screen.join('\n');
		const still = typeof shows === 'string' ? text.includes(shows) : shows.test(text);
		return !still && screen.at(-1)?.startsWith(' READ') === true;
	});
}

/** The rows without those that count seconds. */
function lasting(screen: readonly string[]): string {
	return screen
		.map(row => row.trimEnd())
		.filter(row => !/lease|ago|acked|now|as it was|\d\d:\d\d/.test(row))
		.join('\n');
}

/** The positions of words on the screen, in cells. */
function find(terminal: TestTerminal, words: string): {x: number; y: number} {
	const y = terminal.screen().findIndex(row => row.includes(words));
	if (y < 0) throw new Error(`It does not show ${words}:\n${terminal.text()}`);
	const before = terminal.screen()[y]!.split(words)[0]!;
	for (let x = 0, text = ''; ; x++) {
		if (text === before) return {x, y};
		text += terminal.cell(x, y).width === 0 ? '' : terminal.cell(x, y).glyph || ' ';
	}
}

/** What is wrong with a screen, whatever its contents. */
function faultsOf(terminal: TestTerminal, {cols, rows}: Size, theme: Theme, view: View): string[] {
	const {whole = false, mode = 'READ', over} = view;
	const screen = terminal.screen();
	const faults = terminal.overflowing.map(y => `row ${y} goes on from the one above`);
	if (screen.length !== rows) faults.push(`${screen.length} rows`);
	if (!/^ agentmux .*● live/.test(screen[0] ?? '')) faults.push('the first row');
	if (screen.at(-1)?.startsWith(` ${mode}`) !== true) faults.push('the last row');
	for (let y = 0; y < rows; y++) {
		for (let x = 0; x < cols; x++) {
			const {glyph, foreground, background} = terminal.cell(x, y);
			if (glyph.trim() === '') continue;
			const ratio = contrast(foreground < 0 ? theme.ink : foreground, background < 0 ? theme.paper : background);
			// WCAG: 4.5 for text, 3 for lines and marks.
			if (ratio < (/[\p{L}\p{N}]/u.test(glyph) ? 4.5 : 3))
				faults.push(`${glyph} at ${x}, ${y} has ${ratio.toFixed(1)}`);
		}
	}
	if (over !== undefined) {
		const {x, y} = find(terminal, over);
		if (terminal.cell(x, y).background !== theme.overlay) faults.push(`${over} does not stand on the overlay`);
	}
	return whole && cols >= 100 ? [...faults, ...brokenLines(terminal, cols)] : faults;
}

/** The thin lines between panes go from the headers to the line above the draft, which is as wide as the screen. */
function brokenLines(terminal: TestTerminal, cols: number): string[] {
	const screen = terminal.screen();
	const end = screen.findLastIndex(row => /^─+$/.test(row));
	const lines = Array.from({length: cols}, (_, x) => x).filter(x => terminal.cell(x, 1).glyph === '│');
	const broken = lines.flatMap(x =>
		Array.from({length: end - 1}, (_, index) => index + 1)
			.filter(y => terminal.cell(x, y).glyph !== '│')
			.map(y => `the line at ${x} is broken at ${y}`),
	);
	if (lines.length === 0) broken.push('no line between panes');
	if (screen[end]?.length !== cols) broken.push('the line above the draft');
	return broken;
}

/** Goes through all views; resolves with what was wrong in which. */
async function walk(terminal: TestTerminal, size: Size, theme: Theme): Promise<string[]> {
	const faults: string[] = [];
	for (const view of views) {
		await press(terminal, view.keys);
		await terminal.waitFor(view.shows);
		const found = faultsOf(terminal, size, theme, view);
		if (found.length > 0) faults.push(`${view.name}: ${found.join('; ')}\n${terminal.text()}`);
		await leave(terminal, view);
	}
	await terminal.waitFor(screen => screen.at(-1)?.startsWith(' READ') === true);
	return faults;
}

describe('every view', () => {
	it.each([
		{cols: 200, rows: 50},
		{cols: 120, rows: 40},
		{cols: 80, rows: 24},
	])('fits $cols columns and $rows rows, lines up and is readable, in the dark and in the light', async size => {
		const terminal = spawn([process.execPath, program], {...size, env: {SCENE: 'views'}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		await terminal.waitFor(/● live.*for you/);
		for (const theme of Object.values(themes)) {
			terminal.write(`\u001B]11;${theme.background}\u001B\\`);
			await terminal.waitFor(() => {
				const x = terminal.screen()[0]!.indexOf('2 CLAUDE_TWIN') - 5;
				const header = terminal
					.screen()
					.slice(0, 2)
					.findIndex(row => row.includes('1 CLAUDE_1'));
				return (
					x !== 0 && terminal.cell(terminal.screen()[header]!.indexOf('CLAUDE_1'), header).foreground === theme.claude1
				);
			});
			expect(await walk(terminal, size, theme)).toEqual([]);
		}
	});

	it('is a sentence at 39x9, and as it was when there is room again', async () => {
		const terminal = spawn([process.execPath, program], {cols: 80, rows: 24, env: {SCENE: 'views'}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		await terminal.waitFor(/● live.*for you/);
		for (const view of views) {
			await press(terminal, view.keys);
			const before = await terminal.waitFor(view.shows);
			terminal.resize(39, 9);
			const screen = await terminal.waitFor('agentmux needs at least 40x10');
			expect(
				screen
					.filter(row => row !== '')
					.join(' ')
					.trim(),
			).toMatch(/^agentmux needs at least 40x10; this terminal\s+is 39x9$/);
			terminal.resize(80, 24);
			// The timeline has gone on with the time.
			if (view.mode === 'TIMELINE') await terminal.waitFor(view.shows);
			else await terminal.waitFor(rows => lasting(rows) === lasting(before));
			await leave(terminal, view);
		}
	});
});
