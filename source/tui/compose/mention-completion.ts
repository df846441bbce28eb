import {tagLetter} from '../../mailbox/tag.ts';
import type {Editor} from '../editor/editor.ts';

const begun = new RegExp(`(?<!@|${tagLetter})@(${tagLetter}{0,32})$`);
const goesOn = new RegExp(`^${tagLetter}`);

/** The `@name` being typed at the cursor. */
export interface PartialMention {
	/** Offset of the `@`. */
	readonly start: number;
	readonly typed: string;
}

/** The mention being typed: an `@` at the start of a word, then letters that tags may have; or null. */
export function mentionAtCursor({text, cursor}: Editor): PartialMention | null {
	const match = begun.exec(text.slice(0, cursor));
	if (match === null || goesOn.test(text.slice(cursor))) return null;
	return {start: match.index, typed: match[1] ?? ''};
}

/** The text with the mention completed, followed by one space. */
export function completed({text, cursor}: Editor, {start}: PartialMention, tag: string): Editor {
	const rest = text.slice(cursor);
	const before = `${text.slice(0, start)}@${tag} `;
	return {text: before + rest.replace(/^ /, ''), cursor: before.length};
}
