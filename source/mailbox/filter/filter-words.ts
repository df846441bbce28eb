/*
 * A word consists of letters and digits; everything else separates words. The database builds its index by the same rule
 * (search_messages in supabase/migrations), so a path, an address or a name_with_underscores is found by its parts.
 */
const letter = String.raw`\p{L}\p{N}\p{M}`;
const words = new RegExp(`[${letter}]+`, 'gu');

/** Only the first 100,000 characters of a content are searched, as in the database's index. */
export const searchedCharacters = 100_000;

/** The words of a text in lower case. */
export function wordsOf(text: string): string[] {
	return text.toLowerCase().match(words) ?? [];
}

/** A pattern that finds these words in sequence, ignoring case. `whole`: the last one must match to its end. */
export function wordsPattern(found: readonly string[], whole: boolean, flags = 'iu'): RegExp {
	const end = whole ? `(?![${letter}])` : '';
	return new RegExp(`(?<![${letter}])${found.join(`[^${letter}]+`)}${end}`, flags);
}
