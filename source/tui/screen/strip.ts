import {graphemesOf} from '../segment.ts';
import {namedSgr} from './sgr.ts';
import stringWidth from './string-width.ts';
import {plain, type Style} from './style.ts';

/** A line as cells. The right half of a wide glyph is an empty string. */
export interface Strip {
	readonly glyphs: readonly string[];
	readonly styles: readonly Style[];
}

/** A piece of text in one style. Its text must have passed `printable` where it came from others. */
export interface Span {
	readonly text: string;
	readonly style: Style;
}

const widths = new Map<string, number>();
/** A grapheme of more code points than this is somebody's prank: the rest of its marks is left out. */
const mostMarks = 16;

/** Columns that one grapheme takes: 0, 1 or 2 (what string-width says of it, remembered). */
function graphemeWidth(grapheme: string): number {
	let width = widths.get(grapheme);
	if (width === undefined) {
		width = Math.min(2, stringWidth(grapheme));
		if (widths.size > 20_000) widths.clear();
		widths.set(grapheme, width);
	}
	return width;
}

const ascii = /^[\u0020-\u007E]*$/;

/** Columns that a text takes on one line. */
export function textWidth(text: string): number {
	if (ascii.test(text)) return text.length;
	let width = 0;
	for (const {segment} of graphemesOf(text)) width += graphemeWidth(segment);
	return width;
}

/** Adds a text's cells to growing lists. */
export function appendCells(glyphs: string[], styles: Style[], text: string, of: Style): void {
	if (ascii.test(text)) {
		for (let at = 0; at < text.length; at++) {
			glyphs.push(text.charAt(at));
			styles.push(of);
		}
		return;
	}
	for (const {segment} of graphemesOf(text)) {
		const grapheme = segment.length > mostMarks ? Array.from(segment).slice(0, mostMarks).join('') : segment;
		const width = graphemeWidth(grapheme);
		const last = glyphs.length - 1;
		if (width === 0) {
			// A mark without a letter stands on what is before it.
			if (last >= 0 && glyphs[last] !== '' && (glyphs[last]?.length ?? 0) < mostMarks) glyphs[last] += grapheme;
			continue;
		}
		glyphs.push(grapheme);
		styles.push(of);
		if (width === 2) {
			glyphs.push('');
			styles.push(of);
		}
	}
}

export function strip(spans: readonly Span[]): Strip {
	const glyphs: string[] = [];
	const styles: Style[] = [];
	for (const {text, style} of spans) appendCells(glyphs, styles, text, style);
	return {glyphs, styles};
}

/** The spans that a line was made of, each as long as its style is the same. */
export function spansOf({glyphs, styles}: Strip): Span[] {
	const spans: {text: string; style: Style}[] = [];
	for (const [at, glyph] of glyphs.entries()) {
		const last = spans.at(-1);
		const style = styles[at] ?? plain;
		if (last !== undefined && last.style === style) last.text += glyph;
		else spans.push({text: glyph, style});
	}
	return spans;
}

/** Cut to a width, with `…` for what does not fit. */
export function clip(line: Strip, width: number): Strip {
	if (line.glyphs.length <= width) return line;
	if (width <= 0) return {glyphs: [], styles: []};
	let end = width - 1;
	if (line.glyphs[end] === '') end--;
	const glyphs = [...line.glyphs.slice(0, end), '…'];
	const styles = [...line.styles.slice(0, end), line.styles[end] ?? plain];
	return {glyphs, styles};
}

/** One line with its left part, and its right part at the right edge; the left is cut where both do not fit. */
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

function blanks(count: number): string[] {
	return Array.from<string>({length: Math.max(0, count)}).fill(' ');
}

/** One after the other. */
export function joined(...parts: readonly Strip[]): Strip {
	const none: string[] = [];
	const plainly: Style[] = [];
	return {
		glyphs: none.concat(...parts.map(({glyphs}) => glyphs)),
		styles: plainly.concat(...parts.map(({styles}) => styles)),
	};
}

/** For Ink's <Text>: the line with its escape sequences, in the colours that the program says (the screen converts). */
export function ansi(line: Strip): string {
	let text = '';
	let pen: Style = plain;
	for (let at = 0; at < line.glyphs.length; at++) {
		const next = line.styles[at] ?? plain;
		if (next !== pen) text += next === plain ? '\u001B[0m' : namedSgr(next);
		pen = next;
		text += line.glyphs[at] ?? '';
	}
	return pen === plain ? text : `${text}\u001B[0m`;
}
