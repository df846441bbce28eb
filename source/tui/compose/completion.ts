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

/**
 * What matches a typed text, best first: what begins with it, then what holds it, then what has its letters in this order.
 * Those that match equally well stay in the order given.
 */
export function fuzzy(typed: string, names: readonly string[]): string[] {
	return names
		.map(name => ({name, score: scoreOf(typed.toUpperCase(), name.toUpperCase())}))
		.filter(({score}) => score > 0)
		.sort((one, other) => other.score - one.score)
		.map(({name}) => name);
}

function scoreOf(typed: string, name: string): number {
	if (typed === '') return 1;
	if (name === typed) return 1001;
	if (name.startsWith(typed)) return 1000;
	if (name.includes(typed)) return 500;
	let at = -1;
	let spread = 0;
	for (const letter of typed) {
		const next = name.indexOf(letter, at + 1);
		if (next === -1) return 0;
		spread += next - at;
		at = next;
	}
	return Math.max(1, 250 - spread);
}
