import {once} from './memo.ts';
import type {Printable} from '../../printable.ts';

/*
 * Unicode's segments (UAX #29), by Node's Intl.Segmenter. Each segmenter is made when text first needs it: ICU's tables take
 * 9 ms, and plain text needs none.
 */
const byGrapheme = once(() => new Intl.Segmenter(undefined, {granularity: 'grapheme'}));
const byWord = once(() => new Intl.Segmenter(undefined, {granularity: 'word'}));

interface Graphemes extends Intl.Segments {
	[Symbol.iterator](): Intl.SegmentIterator<Omit<Intl.SegmentData, 'segment'> & {segment: Printable}>;
}

/** The graphemes of a text: what a reader sees as characters. */
export function graphemesOf(text: Printable): Graphemes;
export function graphemesOf(text: string): Intl.Segments;
export function graphemesOf(text: string): Intl.Segments {
	return byGrapheme().segment(text);
}

/** The words of a text, and what is between them. */
export function wordsOf(text: string): Intl.Segments {
	return byWord().segment(text);
}
