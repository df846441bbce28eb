import {p, printable, type Printable} from '../../printable.ts';
import type {Overlay, Ui, UiStore} from '../model/ui.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import type {KeyScope} from '../settings/actions.ts';
import type {Keymap} from '../settings/keymap.ts';
import {theme} from '../settings/theme.ts';
import {scrolled} from '../view/scrolled.ts';

const helpColumn = 38;

/** The help: all keys, from the keymap. */
export function help(ui: UiStore): Overlay {
	return scrolled(ui, helpLines);
}

/** In as many columns as are needed and fit; it scrolls if that is not enough. */
function helpLines({rows, columns, timeline, keymap}: Ui): Span[][] {
	const lookingBack = section(keymap, p`Timeline`, 'timeline');
	const panel = section(keymap, p`Finding and choosing`, 'panel');
	const approvals = section(keymap, p`What agents ask to do`, 'approvals');
	const everywhere = [
		...section(keymap, p`Reading`, 'read'),
		[],
		...section(keymap, p`Writing`, 'compose'),
		...editing,
		[],
		...section(keymap, p`Tasks`, 'tasks'),
		[],
		...approvals,
		[],
		...lookingBack,
		[],
		...panel,
	];
	const all = timeline === null ? everywhere : lookingBack;
	const height = Math.max(2, rows - 4);
	const maxColumns = Math.max(1, Math.floor((columns - 4) / helpColumn));
	const needed = Math.min(maxColumns, Math.ceil(all.length / Math.max(1, height - 2)));
	return inColumns(all, needed);
}

function section({bindings}: Keymap, title: Printable, scope: KeyScope): Span[][] {
	const own = bindings.filter(binding => binding.scope === scope && binding.help !== '' && binding.label !== '');
	return [[{text: title, style: theme.strong}], ...own.map(({label, help}) => helpLine(label, help))];
}

function helpLine(label: string, help: string): Span[] {
	return [
		{text: p` ${printable(label).padEnd(10)}`, style: theme.text},
		{text: printable(help), style: theme.grey},
	];
}

/** Readline's keys (editor/edit-keys.ts), in a few lines. */
const editing: readonly Span[][] = [
	helpLine('^A ^E', 'start and end of the line'),
	helpLine('alt-b -f', 'a word left, right'),
	helpLine('^W alt-d', 'erase a word left, right'),
	helpLine('^U ^K', 'erase to start, to end'),
	helpLine('^Y', 'insert what was erased'),
	helpLine('^_ ^T', 'undo; swap two letters'),
	helpLine('↑ ↓', 'lines, then sent messages'),
	helpLine('@', 'mention; tab completes'),
];

/** Arranges a list in columns of about the same length, read from top to bottom. */
function inColumns(lines: readonly Span[][], count: number): Span[][] {
	const length = Math.ceil(lines.length / count);
	return Array.from({length}, (_, row) =>
		Array.from({length: count}, (_, column) => lines[column * length + row] ?? []).flatMap((line, column) =>
			column === count - 1 ? line : padded(line, helpColumn),
		),
	);
}

function padded(line: readonly Span[], width: number): Span[] {
	const used = line.reduce((sum, {text}) => sum + textWidth(text), 0);
	return [...line, {text: p` `.repeat(Math.max(1, width - used)), style: theme.text}];
}
