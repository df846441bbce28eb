import type {Editor} from './editor.ts';

/** The `@name` being typed at the cursor. */
export interface Mentioning {
	/** Offset of the `@`. */
	readonly start: number;
	readonly typed: string;
}

/** The mention that is being typed, or null: an `@` that begins a word, then letters that may stand in a tag. */
export function mentioning({text, cursor}: Editor): Mentioning | null {
	const match = /(?<![A-Za-z0-9_@-])@([A-Za-z0-9_-]{0,32})$/.exec(text.slice(0, cursor));
	if (match === null || /^[A-Za-z0-9_-]/.test(text.slice(cursor))) return null;
	return {start: match.index, typed: match[1] ?? ''};
}

/** The text with the mention finished, and one space after it. */
export function completed({text, cursor}: Editor, {start}: Mentioning, tag: string): Editor {
	const rest = text.slice(cursor);
	const before = `${text.slice(0, start)}@${tag} `;
	return {text: before + rest.replace(/^ /, ''), cursor: before.length};
}
