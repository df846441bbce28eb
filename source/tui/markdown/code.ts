import type {Tokens} from 'marked';
import {lazy} from '../screen/lazy.ts';
import {clip, joinStrips, strip, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {p, printable} from '../../printable.ts';
import type {Document} from './document.ts';
import type {Setting} from './setting.ts';

const highlighter = lazy(() => import('./highlight.ts'));

/** How many characters of a block are highlighted. */
const maxColoured = 16_000;
const maxNameLength = 24;

/** A code block with its own background, below a line with its language. Lines are broken at the edge, not at spaces. */
export function* codeLines(document: Document, code: Tokens.Code, {width, maxLines}: Setting): Generator<Strip> {
	const {text, lang, codeBlockStyle} = code;
	const name = (lang ?? '').split(/[\s,{]/u)[0] ?? '';
	if (codeBlockStyle !== 'indented') yield header(name, width);
	const inside = Math.max(2, width - 2);
	let at = 0;
	const coloured = colouredLines(document, code, name, maxLines);
	const edge = strip([{text: p` `, style: theme.codeBlock}]);
	for (const line of text.split('\n')) {
		const spans = coloured[at++];
		// Do not use a highlighted line that was cut off.
		const whole = spans !== undefined && spans.reduce((sum, each) => sum + each.text.length, 0) === line.length;
		const limited = line.length > inside * maxLines ? `${line.slice(0, inside * maxLines)}…` : line;
		for (const piece of broken(strip(whole ? spans : [{text: printable(limited), style: theme.codeBlock}]), inside)) {
			const fill = p` `.repeat(Math.max(0, width - 1 - piece.glyphs.length));
			yield clip(joinStrips(edge, piece, strip([{text: fill, style: theme.codeBlock}])), width);
		}
	}
}

function header(name: string, width: number): Strip {
	const label = name === '' ? p`code` : printable(name.slice(0, maxNameLength));
	const line: Span[] = [
		{text: p`── `, style: theme.codeHead},
		{text: label, style: theme.codeName},
	];
	const rest = width - 4 - textWidth(label);
	return clip(strip([...line, {text: p` ${p`─`.repeat(Math.max(0, rest))}`, style: theme.codeHead}]), width);
}

type Lines = ReadonlyArray<readonly Span[]>;

/** The highlighted lines of a block, which do not depend on the width, and the text they are for. */
const known = new WeakMap<Tokens.Code, {readonly shown: string; readonly lines: Lines}>();

/** The lines highlighted; empty while the highlighter is loading, or if the language is unknown. */
function colouredLines(document: Document, code: Tokens.Code, language: string, maxLines: number): Lines {
	const colours = language === '' ? null : highlighter();
	if (colours === null) return [];
	const shown = code.text.slice(0, maxColoured).split('\n').slice(0, maxLines).join('\n');
	const before = known.get(code);
	if (before?.shown === shown) return before.lines;
	const lines = document.colouring.run(() => colours.highlighted(shown, language)) ?? [];
	known.set(code, {shown, lines});
	return lines;
}

/** Splits a line into pieces of `width` columns, but never a wide glyph. */
function broken(line: Strip, width: number): Strip[] {
	const pieces: Strip[] = [];
	for (let start = 0; start < line.glyphs.length || start === 0;) {
		let end = Math.min(line.glyphs.length, start + width);
		if (line.glyphs[end] === '') end--;
		pieces.push({glyphs: line.glyphs.slice(start, end), styles: line.styles.slice(start, end)});
		if (end <= start) break;
		start = end;
	}
	return pieces;
}
