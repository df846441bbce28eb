import {graphemesOf} from './segment.ts';
import {memo} from './memo.ts';
import {joinPrintable, p, type Printable} from '../../printable.ts';
import stringWidth, {isSimple} from './string-width.ts';
import {plain, type Style} from './style.ts';

/** A line as cells. The right half of a wide glyph is an empty string. */
export interface Strip {
	readonly glyphs: readonly Printable[];
	readonly styles: readonly Style[];
}

/** A piece of text in one style. */
export interface Span {
	readonly text: Printable;
	readonly style: Style;
}

/** The right half of a wide glyph. */
const nothing = p``;
const blank = p` `;
const ellipsis = p`…`;

/** The maximum number of code points in a grapheme. Longer ones are pranks; their further marks are dropped. */
const maxMarks = 16;

/** The width of a grapheme in columns: 0, 1 or 2. */
const graphemeWidth = memo(20_000, (grapheme: string) => Math.min(2, stringWidth(grapheme)));

/** The width of a text in columns. */
export function textWidth(text: string): number {
	if (isSimple(text)) return text.length;
	let width = 0;
	for (const {segment} of graphemesOf(text)) width += graphemeWidth(segment);
	return width;
}

/** Appends a text's cells to the lists. */
function appendCells(glyphs: Printable[], styles: Style[], text: Printable, of: Style): void {
	if (isSimple(text)) {
		for (let at = 0; at < text.length; at++) {
			glyphs.push(text.charAt(at));
			styles.push(of);
		}
		return;
	}
	for (const {segment} of graphemesOf(text)) {
		const grapheme =
			segment.length > maxMarks ? segment.slice(0, Array.from(segment).slice(0, maxMarks).join('').length) : segment;
		const width = graphemeWidth(grapheme);
		const last = glyphs.length - 1;
		if (width === 0) {
			// A mark without a letter is added to the glyph before it.
			const before = glyphs[last] ?? nothing;
			if (before !== '' && before.length < maxMarks) glyphs[last] = p`${before}${grapheme}`;
			continue;
		}
		glyphs.push(grapheme);
		styles.push(of);
		if (width === 2) {
			glyphs.push(nothing);
			styles.push(of);
		}
	}
}

export function strip(spans: readonly Span[]): Strip {
	const glyphs: Printable[] = [];
	const styles: Style[] = [];
	for (const {text, style} of spans) appendCells(glyphs, styles, text, style);
	return {glyphs, styles};
}

/** Splits a line into spans of one style each. */
export function spansOf({glyphs, styles}: Strip): Span[] {
	const spans: Span[] = [];
	for (let from = 0, at = 1; from < glyphs.length; at++) {
		const style = styles[from] ?? plain;
		if (at < glyphs.length && (styles[at] ?? plain) === style) continue;
		spans.push({text: joinPrintable(glyphs.slice(from, at)), style});
		from = at;
	}
	return spans;
}

/** The text of a line, without its styles. */
export function textOf({glyphs}: Strip): Printable {
	return joinPrintable(glyphs);
}

/** Cuts a line to a width, ending it with `…` if it did not fit. */
export function clip(line: Strip, width: number): Strip {
	if (line.glyphs.length <= width) return line;
	if (width <= 0) return {glyphs: [], styles: []};
	let end = width - 1;
	if (line.glyphs[end] === '') end--;
	const glyphs = [...line.glyphs.slice(0, end), ellipsis];
	const styles = [...line.styles.slice(0, end), line.styles[end] ?? plain];
	return {glyphs, styles};
}

/** A line with one part at its left and one at its right edge; the left one is cut if they do not fit. */
export function justify(left: readonly Span[], right: readonly Span[], width: number): Strip {
	const end = clip(strip(right), width);
	const room = end.glyphs.length === 0 ? width : width - end.glyphs.length - 1;
	const start = clip(strip(left), room);
	const gap = width - start.glyphs.length - end.glyphs.length;
	if (end.glyphs.length === 0) return start;
	return {
		glyphs: [...start.glyphs, ...blanks(gap), ...end.glyphs],
		styles: [...start.styles, ...Array.from<Style>({length: gap}).fill(plain), ...end.styles],
	};
}

function blanks(count: number): Printable[] {
	return Array.from<Printable>({length: Math.max(0, count)}).fill(blank);
}

/** Concatenates lines. */
export function joinStrips(...parts: readonly Strip[]): Strip {
	const none: Printable[] = [];
	const plainly: Style[] = [];
	return {
		glyphs: none.concat(...parts.map(({glyphs}) => glyphs)),
		styles: plainly.concat(...parts.map(({styles}) => styles)),
	};
}
