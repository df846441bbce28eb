/*
 * What a word is: letters and digits; everything else parts words. The index that the database searches is made by the same
 * rule (search_messages in supabase/migrations), so that a path, an address or a name_with_underscores is found by its parts.
 */
const letter = String.raw`\p{L}\p{N}\p{M}`;
const words = new RegExp(`[${letter}]+`, 'gu');

/** More of a content than its first 100,000 characters is not searched; the database's index has no more. */
export const searchedCharacters = 100_000;

/** The words of a text in lower case. */
export function wordsOf(text: string): string[] {
	return text.toLowerCase().match(words) ?? [];
}

/** What finds these words one after the other in a text, in any case. `whole`: the last one does not go on. */
export function wordsPattern(found: readonly string[], whole: boolean, flags = 'iu'): RegExp {
	const end = whole ? `(?![${letter}])` : '';
	return new RegExp(`(?<![${letter}])${found.join(`[^${letter}]+`)}${end}`, flags);
}
