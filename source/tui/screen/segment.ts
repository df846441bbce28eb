import type {Printable} from '../../printable.ts';

/*
 * Unicode's segments (UAX #29), by what Node brings. Each segmenter is made when text first needs it: ICU's tables take 9 ms,
 * and plain text needs none.
 */
let byGrapheme: Intl.Segmenter | undefined;
let byWord: Intl.Segmenter | undefined;

interface Graphemes extends Intl.Segments {
	[Symbol.iterator](): Intl.SegmentIterator<Omit<Intl.SegmentData, 'segment'> & {segment: Printable}>;
}

/** What a reader takes for one character each. */
export function graphemesOf(text: Printable): Graphemes;
export function graphemesOf(text: string): Intl.Segments;
export function graphemesOf(text: string): Intl.Segments {
	byGrapheme ??= new Intl.Segmenter(undefined, {granularity: 'grapheme'});
	return byGrapheme.segment(text);
}

/** Words and what lies between them. */
export function wordsOf(text: string): Intl.Segments {
	byWord ??= new Intl.Segmenter(undefined, {granularity: 'word'});
	return byWord.segment(text);
}
