import type {Strip} from './strip.ts';

/**
 * Wraps a line to lines of at most `width` columns, at spaces if there are any, otherwise within a word. Never splits a wide
 * glyph. Always returns at least one line.
 */
export function wrap(line: Strip, width: number): Strip[] {
	const {glyphs} = line;
	const columns = Math.max(2, width);
	if (glyphs.length <= columns) return [line];
	const lines: Strip[] = [];
	let start = 0;
	while (glyphs.length - start > columns) {
		let end = start + columns;
		// The space at which the line breaks may be just beyond its edge.
		let space = end;
		while (space > start && glyphs[space] !== ' ') space--;
		if (space > start) end = space;
		else if (glyphs[end] === '') end--;
		lines.push(slice(line, start, end));
		start = end;
		if (space > end - 1) while (glyphs[start] === ' ') start++;
	}
	if (start < glyphs.length) lines.push(slice(line, start, glyphs.length));
	return lines;
}

function slice({glyphs, styles}: Strip, start: number, end: number): Strip {
	return {glyphs: glyphs.slice(start, end), styles: styles.slice(start, end)};
}
