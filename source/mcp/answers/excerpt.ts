import {cutText} from '../../mailbox/text/excerpt.ts';
import {agentText, gutter} from '../../quotation/agent-text.ts';

/** Part of a text. */
export interface Excerpt {
	/** Made printable. */
	readonly text: string;
	/** The position of the rest, in UTF-16 units of the whole text. */
	readonly end: number;
}

/** As much of a text, from a position on, as takes at most `room` bytes of an answer. */
export function excerptOf(whole: string, room: number, from = 0): Excerpt {
	let raw = cutText(whole, room, from);
	let text = agentText(raw);
	// Invisible characters are shown by their code, and clients' tags are escaped; both make the text longer.
	while (sizeOf(text) > room && raw !== '') {
		raw = cutText(raw, Math.floor((raw.length * room) / sizeOf(text)));
		text = agentText(raw);
	}
	return {text, end: from + raw.length};
}

/** The same for a text whose rest is not to be had. */
export function shorten(whole: string, room: number): string {
	const {text, end} = excerptOf(whole, Math.floor(room));
	return end < whole.length ? `${text}…` : text;
}

/** Bytes that a text takes in an answer: as JSON, where a quote or a line break counts as two, with the gutter before each line. */
export function sizeOf(text: string): number {
	let lines = 1;
	for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
	return Buffer.byteLength(JSON.stringify(text)) - 2 + lines * gutter.length;
}

/** Bytes that whole lines take in an answer. */
export function blockSize(lines: readonly string[]): number {
	return lines.reduce((sum, line) => sum + Buffer.byteLength(JSON.stringify(line)), 0);
}
