import {graphemesOf} from '../screen/segment.ts';
import {wordEnd, wordStart, wordStartAfterSpace} from './word.ts';

/** A text being edited. `cursor` is an offset in UTF-16 units, always on a grapheme boundary. */
export interface Editor {
	readonly text: string;
	readonly cursor: number;
}

export const emptyEditor: Editor = {text: '', cursor: 0};

export type Edit =
	| {readonly type: 'insert'; readonly text: string}
	| {readonly type: 'move'; readonly to: CursorMotion}
	| {readonly type: 'erase'; readonly to: CursorMotion}
	/** Swaps the letters on both sides of the cursor; at the end of a line, the last two. */
	| {readonly type: 'transpose'};

/** A movement, relative to the cursor. */
export type CursorMotion =
	| 'left'
	| 'right'
	| 'word_left'
	| 'word_right'
	/** To the previous start of a run of non-blanks. */
	| 'space_left'
	| 'line_start'
	| 'line_end'
	| 'up'
	| 'down';

/** The text after an edit. Pure. An impossible edit (left of the beginning) changes nothing. */
export function edit(editor: Editor, change: Edit): Editor {
	const {text, cursor} = editor;
	if (change.type === 'insert') return inserted(editor, change.text);
	if (change.type === 'transpose') return transposed(editor);
	// A word may begin with a combining mark that belongs to the space before it.
	const target = targetOf(editor, change.to);
	const whole = boundaryAtOrAfter(text, target);
	// A key that goes left must make progress, even in a grapheme longer than the stretch that is segmented.
	const to = whole === cursor && target < cursor ? boundaryBefore(text, cursor) : whole;
	if (change.type === 'move') return {text, cursor: to};
	const [from, end] = to < cursor ? [to, cursor] : [cursor, to];
	const rest = text.slice(0, from) + text.slice(end);
	// The two ends may join to one grapheme.
	return {text: rest, cursor: boundaryAtOrAfter(rest, from)};
}

/** The new text may join its neighbours to one grapheme (a mark, a joiner); the cursor then goes after that. */
function inserted({text, cursor}: Editor, piece: string): Editor {
	const next = text.slice(0, cursor) + piece + text.slice(cursor);
	return {text: next, cursor: boundaryAtOrAfter(next, cursor + piece.length)};
}

function transposed({text, cursor}: Editor): Editor {
	const middle = cursor === lineEnd(text, cursor) ? boundaryBefore(text, cursor) : cursor;
	if (middle <= lineStart(text, cursor)) return {text, cursor};
	const from = boundaryBefore(text, middle);
	const end = boundaryAfter(text, middle);
	const swapped = text.slice(0, from) + text.slice(middle, end) + text.slice(from, middle) + text.slice(end);
	return {text: swapped, cursor: boundaryAtOrAfter(swapped, end)};
}

function targetOf({text, cursor}: Editor, target: CursorMotion): number {
	switch (target) {
		case 'left':
			return boundaryBefore(text, cursor);
		case 'right':
			return boundaryAfter(text, cursor);
		case 'word_left':
			return wordStart(text, cursor);
		case 'word_right':
			return wordEnd(text, cursor);
		case 'space_left':
			return wordStartAfterSpace(text, cursor);
		case 'line_start':
			return lineStart(text, cursor);
		case 'line_end':
			return lineEnd(text, cursor);
		case 'up':
		case 'down':
			return vertical(text, cursor, target);
	}
}

function lineStart(text: string, at: number): number {
	return text.lastIndexOf('\n', at - 1) + 1;
}

function lineEnd(text: string, at: number): number {
	const end = text.indexOf('\n', at);
	return end === -1 ? text.length : end;
}

/** The same number of graphemes into the line above or below; the cursor itself if there is no such line. */
function vertical(text: string, cursor: number, direction: 'up' | 'down'): number {
	const start = lineStart(text, cursor);
	const column = [...graphemesOf(text.slice(start, cursor))].length;
	const target = direction === 'up' ? lineStart(text, start - 1) : lineEnd(text, cursor) + 1;
	if ((direction === 'up' && start === 0) || (direction === 'down' && target > text.length)) return cursor;
	const line = text.slice(target, lineEnd(text, target));
	let at = target;
	for (const {segment} of [...graphemesOf(line)].slice(0, column)) at += segment.length;
	return at;
}

export function isOnFirstLine({text, cursor}: Editor): boolean {
	return lineStart(text, cursor) === 0;
}

export function isOnLastLine({text, cursor}: Editor): boolean {
	return lineEnd(text, cursor) === text.length;
}

/**
 * Only a stretch around the cursor is segmented, so that a key costs the same in a text of 200 kB as in a short one. A line
 * break always ends a grapheme; without one nearby, graphemes are assumed to be shorter than the stretch.
 */
const stretch = 256;

function boundaryBefore(text: string, at: number): number {
	if (at === 0) return 0;
	const from = Math.max(0, at - stretch);
	let last = from;
	for (const {index} of graphemesOf(text.slice(from, at))) last = from + index;
	return last;
}

function boundaryAfter(text: string, at: number): number {
	const [first] = graphemesOf(text.slice(at, at + stretch));
	return at + (first?.segment.length ?? 0);
}

function boundaryAtOrAfter(text: string, at: number): number {
	if (at >= text.length) return text.length;
	const from = Math.max(0, at - stretch);
	for (const {index} of graphemesOf(text.slice(from, at + stretch))) {
		if (from + index >= at) return from + index;
	}
	return text.length;
}
