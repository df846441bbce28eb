import {wordsOf} from '../screen/segment.ts';

/** What is looked at first; only a longer word, or a longer gap, makes it more. */
const stretch = 256;

/** Where the word before an offset begins, as Unicode divides words; 0 where there is none. */
export function wordStart(text: string, at: number): number {
	for (let size = stretch; ; size *= 8) {
		const from = Math.max(0, at - size);
		let start = -1;
		for (const {index, isWordLike} of wordsOf(text.slice(from, at))) if (isWordLike === true) start = from + index;
		// A word that begins where the look began may begin further to the left.
		if (from === 0) return Math.max(0, start);
		if (start > from) return start;
	}
}

/** Where the word at or after an offset ends; the end of the text where there is none. */
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

/** Where what stands between spaces before an offset begins (readline's unix-word-rubout). */
export function wordStartAfterSpace(text: string, at: number): number {
	let start = at;
	while (start > 0 && isSpace(text.charCodeAt(start - 1))) start--;
	while (start > 0 && !isSpace(text.charCodeAt(start - 1))) start--;
	return start;
}

function isSpace(code: number): boolean {
	return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000;
}
