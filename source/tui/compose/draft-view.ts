import {graphemesOf} from '../screen/segment.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {textWidth} from '../screen/strip.ts';
import type {Editor} from '../editor/editor.ts';

export interface DraftView {
	/** The visible part of the draft, one text per row. */
	readonly lines: readonly Printable[];
	readonly cursor: {readonly line: number; readonly column: number};
}

/** How much of a line is looked at on either side of the cursor; a paste may be 200 kB long. */
const maxReach = 600;

/**
 * The part of the draft around the cursor that fits into `height` rows, each `widthOf(row)` wide. Only the cursor's line scrolls
 * sideways. Pure.
 */
export function draftView({text, cursor}: Editor, widthOf: (row: number) => number, height: number): DraftView {
	const start = cursor === 0 ? 0 : text.lastIndexOf('\n', cursor - 1) + 1;
	// Find only as many line starts before and after the cursor's line as could be shown, never all of them.
	const above: number[] = [];
	for (let at = start; at > 0 && above.length < height - 1;) {
		at = at === 1 ? 0 : text.lastIndexOf('\n', at - 2) + 1;
		above.unshift(at);
	}
	const below: number[] = [];
	for (
		let end = text.indexOf('\n', cursor);
		end !== -1 && below.length < height - 1;
		end = text.indexOf('\n', end + 1)
	) {
		below.push(end + 1);
	}
	const over = Math.min(above.length, Math.max(Math.floor(height / 2), height - 1 - below.length));
	const starts = [...above.slice(above.length - over), start, ...below].slice(0, height);
	let column = 0;
	const lines = starts.map((from, index) => {
		const width = widthOf(index);
		if (index !== over) return clipped(printable(lineAt(text, from, maxReach)), width);
		const left = tail(printable(text.slice(Math.max(start, cursor - maxReach), cursor)), width - 1);
		column = textWidth(left);
		const right = printable(lineAt(text, cursor, maxReach));
		return p`${left}${clipped(right, width - column)}`;
	});
	return {lines, cursor: {line: over, column}};
}

/** The line from an offset on, up to `max` characters. */
function lineAt(text: string, from: number, max: number): string {
	const piece = text.slice(from, from + max);
	const end = piece.indexOf('\n');
	return end === -1 ? piece : piece.slice(0, end);
}

function clipped(text: Printable, width: number): Printable {
	if (textWidth(text) <= width) return text;
	let fits = 0;
	for (const {segment, index} of graphemesOf(text)) {
		if (textWidth(text.slice(0, index + segment.length)) > width - 1) break;
		fits = index + segment.length;
	}
	return p`${text.slice(0, fits)}…`;
}

/** The end of a text that fits, after a `…` if something was cut. */
function tail(text: Printable, width: number): Printable {
	if (textWidth(text) <= width) return text;
	const segments = [...graphemesOf(text)];
	let columns = 1;
	let from = segments.length;
	while (from > 0 && columns + textWidth(segments[from - 1]?.segment ?? '') <= width)
		columns += textWidth(segments[--from]?.segment ?? '');
	return p`…${text.slice(segments[from]?.index ?? text.length)}`;
}
