import type {Editor} from '../editor/editor.ts';

/** Limits of the history of sent drafts: entries, and their total length. */
const maxSent = 500;
const maxLetters = 1_000_000;

/** The history with a draft appended, without duplicates and within its limits. Pure. */
export function withSent(sent: readonly string[], text: string): readonly string[] {
	const all = [...sent.filter(each => each !== text), text].slice(-maxSent);
	let letters = all.reduce((sum, {length}) => sum + length, 0);
	let from = 0;
	while (letters > maxLetters && from < all.length - 1) letters -= all[from++]?.length ?? 0;
	return all.slice(from);
}

/** A search of the history, like readline's ^R. */
export interface SentSearch {
	readonly typed: string;
	/** Which entry of the history is shown, counted from the newest; -1: none yet. */
	readonly at: number;
	/** What is shown: the entry found, with the cursor at the match, or the draft. */
	readonly shown: Editor;
	/** No further entry matches. */
	readonly failing: boolean;
	/** The draft to restore if the search is cancelled. */
	readonly before: Editor;
}

export function newSentSearch(before: Editor): SentSearch {
	return {typed: '', at: -1, shown: before, failing: false, before};
}

/**
 * The search after a key: `older`, `newer`, `shorter` (delete one letter), or typed letters. Case-insensitive. If nothing
 * matches, the last match stays. Pure.
 */
export function sentSearchAfter(
	search: SentSearch,
	sent: readonly string[],
	key: 'older' | 'newer' | 'shorter' | {readonly letters: string},
): SentSearch {
	const {typed, at} = search;
	if (key === 'older') return found(search, sent, typed, at + 1, 1);
	if (key === 'newer') return found(search, sent, typed, at - 1, -1);
	if (key === 'shorter') return found(search, sent, Array.from(typed).slice(0, -1).join(''), 0, 1);
	return found(search, sent, typed + key.letters, Math.max(0, at), 1);
}

function found(search: SentSearch, sent: readonly string[], typed: string, from: number, step: 1 | -1): SentSearch {
	if (typed === '') return newSentSearch(search.before);
	const wanted = typed.toLowerCase();
	for (let at = from; at >= 0 && at < sent.length; at += step) {
		const text = sent.at(-1 - at) ?? '';
		const cursor = text.toLowerCase().indexOf(wanted);
		if (cursor === -1) continue;
		// Lowercasing can lengthen a letter, which shifts the offsets after it.
		return {...search, typed, at, failing: false, shown: {text, cursor: Math.min(cursor, text.length)}};
	}
	return {...search, typed, failing: true};
}
