import type {Filter} from '../../mailbox/filter.ts';
import {wordsPattern} from '../../mailbox/filter/filter-words.ts';
import type {Strip} from '../screen/strip.ts';
import {lookOf, plain, style, type Style} from '../screen/style.ts';
import {markedLook} from '../settings/theme.ts';

/** A pattern that matches the words of a filter, or null if it has none. Stateful (`g`): mind `lastIndex`. */
export function searchPattern({alternatives}: Filter): RegExp | null {
	const sources = new Set(
		alternatives.flatMap(terms =>
			terms.flatMap(term => (term.kind === 'text' && !term.not ? [wordsPattern(term.words, term.phrase).source] : [])),
		),
	);
	return sources.size === 0 ? null : new RegExp([...sources].join('|'), 'giu');
}

/** Start and end of each match in a text, in UTF-16 units. */
export function matchRanges(marks: RegExp, text: string): Array<readonly [number, number]> {
	return Array.from(text.matchAll(marks), match => [match.index, match.index + match[0].length] as const);
}

const known = new WeakMap<Strip, {readonly marks: RegExp; readonly strip: Strip}>();

/** The line with the matches highlighted; cached per line and search. */
export function withMatchesHighlighted(line: Strip, marks: RegExp): Strip {
	const before = known.get(line);
	if (before?.marks === marks) return before.strip;
	const strip = withMarks(line, marks);
	known.set(line, {marks, strip});
	return strip;
}

function withMarks(line: Strip, marks: RegExp): Strip {
	const ranges = matchRanges(marks, line.glyphs.join(''));
	if (ranges.length === 0) return line;
	const styles = [...line.styles];
	let cell = 0;
	let offset = 0;
	for (const [start, end] of ranges) {
		for (; offset < end && cell < line.glyphs.length; cell++) {
			const glyph = line.glyphs[cell] ?? '';
			if (offset + glyph.length > start) styles[cell] = markedStyle(line.styles[cell] ?? plain);
			offset += glyph.length;
		}
		// The right half of a wide glyph has the style of its left half.
		for (; line.glyphs[cell] === ''; cell++) styles[cell] = markedStyle(line.styles[cell] ?? plain);
	}
	return {glyphs: line.glyphs, styles};
}

function markedStyle(of: Style): Style {
	return style({...lookOf(of), ...markedLook});
}
