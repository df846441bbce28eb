/*
 * Unicode's segments (UAX #29), by what Node brings. Each segmenter is made when text first needs it: ICU's tables take 9 ms,
 * and plain text needs none.
 */
let byGrapheme: Intl.Segmenter | undefined;
let byWord: Intl.Segmenter | undefined;

/** What a reader takes for one character each. */
export function graphemesOf(text: string): Intl.Segments {
	byGrapheme ??= new Intl.Segmenter(undefined, {granularity: 'grapheme'});
	return byGrapheme.segment(text);
}

/** Words and what lies between them. */
export function wordsOf(text: string): Intl.Segments {
	byWord ??= new Intl.Segmenter(undefined, {granularity: 'word'});
	return byWord.segment(text);
}
