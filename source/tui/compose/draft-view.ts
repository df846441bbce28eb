import {printable} from '../../printable.ts';
import {textWidth} from '../screen/strip.ts';
import type {Editor} from './editor.ts';

export interface DraftView {
	/** What is visible of the draft, one text a row. */
	readonly lines: readonly string[];
	readonly cursor: {readonly line: number; readonly column: number};
}

/** More of a line than this on either side of the cursor is never looked at: a paste may be 200 kB long. */
const reach = 600;

/** The part of the draft around the cursor that fits into `width` x `height`; each line scrolls for itself. Pure. */
export function draftView({text, cursor}: Editor, width: number, height: number): DraftView {
	const before = text.slice(0, cursor);
	const cursorLine = before.split('\n').length - 1;
	const all = text.split('\n');
	const top = Math.max(0, Math.min(cursorLine - Math.floor(height / 2), all.length - height));
	const offset = cursor - (before.lastIndexOf('\n') + 1);
	let column = 0;
	const lines = all.slice(top, top + height).map((line, index) => {
		if (top + index !== cursorLine) return clipped(line.slice(0, reach), width);
		const left = tail(printable(line.slice(Math.max(0, offset - reach), offset)), width - 1);
		column = textWidth(left.text);
		const right = printable(line.slice(offset, offset + reach));
		return left.text + clipped(right, width - column);
	});
	return {lines, cursor: {line: cursorLine - top, column}};
}

const graphemes = new Intl.Segmenter(undefined, {granularity: 'grapheme'});

function clipped(text: string, width: number): string {
	if (textWidth(text) <= width) return text;
	let fits = '';
	for (const {segment} of graphemes.segment(printable(text))) {
		if (textWidth(fits + segment) > width - 1) break;
		fits += segment;
	}
	return `${fits}…`;
}

/** The end of a text that fits, with `…` before it when something is cut. */
function tail(text: string, width: number): {text: string} {
	if (textWidth(text) <= width) return {text};
	const segments = [...graphemes.segment(text)].map(({segment}) => segment);
	let columns = 1;
	let from = segments.length;
	while (from > 0 && columns + textWidth(segments[from - 1] ?? '') <= width)
		columns += textWidth(segments[--from] ?? '');
	return {text: `…${segments.slice(from).join('')}`};
}
