import {cutText} from '../../mailbox/excerpt.ts';
import {agentText} from '../../quotation/agent-text.ts';

/** Part of a text. */
export interface Excerpt {
	/** Made printable. */
	readonly text: string;
	/** The position of the rest, in UTF-16 units of the whole text. */
	readonly end: number;
}

/** As much of a text, from a position on, as takes at most `room` characters of an answer. */
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

/** Characters that a text takes in an answer as JSON, where a quote or a line break counts as two. */
export function sizeOf(text: string): number {
	return JSON.stringify(text).length - 2;
}
