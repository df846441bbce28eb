import type {Json} from '../../mailbox/json.ts';
import type {TableRow} from '../../mailbox/table.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {clip, strip, textOf, textWidth, type Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';

/** No column is wider than this while others need room. */
const fairWidth = 12;
const gap = 2;
/** How many characters of a cell are looked at. */
const reach = 300;

/** Formats a table's rows as lines of at most `width` columns: headings, then one line per row, with numbers aligned right. */
export function resultTableLines(rows: readonly TableRow[], width: number): Span[][] {
	const names = [...new Set(rows.flatMap(row => Object.keys(row)))];
	if (names.length === 0) return [[{text: p`no rows`, style: theme.grey}]];
	const cells = names.map(name => rows.map(row => cellOf(row[name])));
	const wanted = names.map((name, column) =>
		Math.max(textWidth(printable(name)), ...(cells[column] ?? []).map(textWidth)),
	);
	const widths = widthsIn(wanted, width);
	const left = names.length - widths.length;
	const isNumber = names.map(name => rows.every(row => row[name] === null || typeof row[name] === 'number'));
	const line = (texts: readonly Printable[], style: Span['style'], faint: readonly boolean[]): Span[] =>
		widths.map((columns, column): Span => {
			const text = fitted(texts[column] ?? p``, columns, isNumber[column] === true);
			return {
				text: column === 0 ? text : p`  ${text}`,
				style: faint[column] === true ? theme.faint : style,
			};
		});
	const lines = [
		line(names.map(printable), theme.grey, []),
		...rows.map((row, index) =>
			line(
				cells.map(column => column[index] ?? p``),
				theme.text,
				names.map(name => row[name] === null),
			),
		),
	];
	if (left > 0) lines.push([{text: p`${counted(left, 'more column')} to the right`, style: theme.grey}]);
	return lines;
}

/** A value on one line: strings as they are, everything else as JSON. */
function cellOf(value: Json | undefined): Printable {
	if (value === undefined) return p``;
	return printable((typeof value === 'string' ? value : JSON.stringify(value)).slice(0, reach));
}

/** The width of each column: what it needs if that fits, otherwise the widest shrink first. Columns without room are left out. */
function widthsIn(wanted: readonly number[], width: number): number[] {
	const minWidths = wanted.map(columns => Math.min(columns, fairWidth));
	let count = 0;
	for (let used = 0; count < minWidths.length; count++) {
		used += (minWidths[count] ?? 0) + (count === 0 ? 0 : gap);
		if (count > 0 && used > width) break;
	}
	const widths = minWidths.slice(0, count);
	let free = width - widths.reduce((sum, columns) => sum + columns + gap, -gap);
	// One at a time, so that the remaining room is shared equally.
	for (let grew = true; free > 0 && grew;) {
		grew = false;
		for (let column = 0; column < count && free > 0; column++) {
			if ((widths[column] ?? 0) >= (wanted[column] ?? 0)) continue;
			widths[column] = (widths[column] ?? 0) + 1;
			free--;
			grew = true;
		}
	}
	return widths.map(columns => Math.max(1, Math.min(columns, width)));
}

function fitted(text: Printable, columns: number, atRight: boolean): Printable {
	const cut = textWidth(text) > columns ? textOf(clip(strip([{text, style: theme.text}]), columns)) : text;
	const blank = p` `.repeat(Math.max(0, columns - textWidth(cut)));
	return atRight ? p`${blank}${cut}` : p`${cut}${blank}`;
}
