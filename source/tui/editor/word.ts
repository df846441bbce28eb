import {wordsOf} from '../screen/segment.ts';

/** How much text to segment at first; a longer word or gap makes it more. */
const stretch = 256;

/** The start of the word before an offset, by Unicode's word boundaries; 0 if there is none. */
export function wordStart(text: string, at: number): number {
	for (let size = stretch; ; size *= 8) {
		const from = Math.max(0, at - size);
		let start = -1;
		for (const {index, isWordLike} of wordsOf(text.slice(from, at))) if (isWordLike === true) start = from + index;
		// A word at the beginning of the stretch may begin further left.
		if (from === 0) return Math.max(0, start);
		if (start > from) return start;
	}
}

/** The end of the word at or after an offset; the end of the text if there is none. */
export function wordEnd(text: string, at: number): number {
	for (let size = stretch; ; size *= 8) {
		const to = Math.min(text.length, at + size);
		for (const {index, segment, isWordLike} of wordsOf(text.slice(at, to))) {
			const end = at + index + segment.length;
			if (isWordLike === true && (end < to || to === text.length)) return end;
		}
		if (to === text.length) return to;
	}
}

/** The start of the run of non-blanks before an offset (readline's unix-word-rubout). */
export function wordStartAfterSpace(text: string, at: number): number {
	let start = at;
	while (start > 0 && isSpace(text.charCodeAt(start - 1))) start--;
	while (start > 0 && !isSpace(text.charCodeAt(start - 1))) start--;
	return start;
}

function isSpace(code: number): boolean {
	return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000;
}
