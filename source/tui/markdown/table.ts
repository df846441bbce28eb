import type {Tokens} from 'marked';
import {clip, joinStrips, strip, type Strip} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {theme} from '../settings/theme.ts';
import {joinPrintable, p} from '../../printable.ts';
import type {Document} from './document.ts';
import {inlineLines} from './inline.ts';
import {mergeStyles} from './notable.ts';
import type {Setting} from './setting.ts';

/** Columns between two cells. */
const gap = 2;
/** The minimum width of a column; columns that do not fit are left out, with a sign. */
const minColumn = 4;
/** The maximum number of lines in a cell; the last one is cut with `…`. */
const maxCellLines = 3;
/** How many rows are measured for the widths of columns. */
const measuredRows = 100;

/** A table fitted to the width: columns as wide as needed, or with equal shares of the room; long cells are wrapped. */
export function* tableLines(document: Document, table: Tokens.Table, {width, base}: Setting): Generator<Strip> {
	const shown = Math.min(table.header.length, Math.max(1, Math.floor((width + gap) / (minColumn + gap))));
	const cell = ({text}: Tokens.TableCell, look: Style): Strip => strip(inlineLines(document.inline(text), look).flat());
	const head = table.header.slice(0, shown).map(each => cell(each, mergeStyles(base, theme.strong)));
	const sample = table.rows.slice(0, measuredRows).map(row => row.slice(0, shown).map(each => cell(each, base)));
	const natural = head.map((each, column) =>
		Math.max(each.glyphs.length, ...sample.map(row => row[column]?.glyphs.length ?? 0), 1),
	);
	const columns = fitted(natural, width - gap * (shown - 1));
	yield* rowLines(head, table.align, columns, shown < table.header.length);
	yield strip([
		{
			text: joinPrintable(
				columns.map(each => p`─`.repeat(each)),
				'  ',
			),
			style: theme.faint,
		},
	]);
	for (const [index, row] of table.rows.entries()) {
		const cells = sample[index] ?? row.slice(0, shown).map(each => cell(each, base));
		yield* rowLines(cells, table.align, columns, false);
	}
}

/** Widths that add up to at most `room`: narrow columns keep theirs, the others share the rest. */
export function fitted(natural: readonly number[], room: number): number[] {
	const widths = natural.map(() => 0);
	let open = natural.map((_, column) => column);
	let left = room;
	while (open.length > 0) {
		const share = Math.max(1, Math.floor(left / open.length));
		const narrow = open.filter(column => (natural[column] ?? 0) <= share);
		if (narrow.length === 0) {
			open.forEach((column, index) => (widths[column] = share + (index < left - share * open.length ? 1 : 0)));
			break;
		}
		for (const column of narrow) {
			widths[column] = natural[column] ?? 0;
			left -= natural[column] ?? 0;
		}
		open = open.filter(column => (natural[column] ?? 0) > share);
	}
	return widths;
}

function* rowLines(
	cells: readonly Strip[],
	align: Tokens.Table['align'],
	columns: readonly number[],
	isCut: boolean,
): Generator<Strip> {
	const wrapped = columns.map((width, column) => cellLines(cells[column] ?? strip([]), width));
	const height = Math.max(1, ...wrapped.map(lines => lines.length));
	for (let line = 0; line < height; line++) {
		const parts = columns.map((width, column) => aligned(wrapped[column]?.[line] ?? strip([]), align[column], width));
		const between = strip([{text: p` `.repeat(gap), style: theme.text}]);
		const row = joinStrips(...parts.flatMap((part, column) => (column === 0 ? [part] : [between, part])));
		yield isCut && line === 0 ? joinStrips(row, strip([{text: p`…`, style: theme.grey}])) : trimmed(row);
	}
}

function cellLines(cell: Strip, width: number): Strip[] {
	const lines = wrap(cell, width);
	if (lines.length <= maxCellLines) return lines.map(line => clip(line, width));
	const last = lines[maxCellLines - 1] ?? strip([]);
	// One column more than fits, so that clipping adds the `…` where the text continues.
	const more = joinStrips(last, strip([{text: p` `.repeat(width), style: theme.text}]));
	return [...lines.slice(0, maxCellLines - 1), clip(more, Math.min(width, last.glyphs.length + 1))];
}

function aligned(cell: Strip, align: Tokens.Table['align'][number] | undefined, width: number): Strip {
	const free = Math.max(0, width - cell.glyphs.length);
	const before = align === 'right' ? free : align === 'center' ? Math.floor(free / 2) : 0;
	const spaces = (count: number) => strip([{text: p` `.repeat(count), style: theme.text}]);
	return joinStrips(spaces(before), cell, spaces(free - before));
}

/** The line without trailing blanks. */
function trimmed(line: Strip): Strip {
	let end = line.glyphs.length;
	while (end > 0 && line.glyphs[end - 1] === ' ' && line.styles[end - 1] === theme.text) end--;
	return {glyphs: line.glyphs.slice(0, end), styles: line.styles.slice(0, end)};
}
