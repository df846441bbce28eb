import {Lexer, type MarkedToken} from 'marked';
import {printableLines} from '../../printable.ts';
import {TimeBudget} from './time-budget.ts';

/** A text parsed as Markdown: its blocks, and the rest, which is shown as plain text. */
export interface Document {
	readonly blocks: readonly MarkedToken[];
	/** Lines after the blocks that are not parsed: those beyond the limit, or all of them if parsing took too long. */
	readonly rest: readonly string[];
	/** The inline tokens of a block's text; parsed at the first call. */
	inline(text: string): readonly MarkedToken[];
	/** For highlighting its code. */
	readonly colouring: TimeBudget;
}

/**
 * Milliseconds for each of: parsing blocks, parsing inline text, highlighting code. What takes longer is shown as plain text.
 * Ordinary texts take a tenth of it, even right after the start.
 */
const maxTime = 40;
/** Even the worst text of this length is parsed in this many milliseconds. */
const shortLength = 300;
const shortTime = 0.25;

/** A longer run of text is parsed in pieces, because finding emphasis takes quadratic time. */
const maxPieceLength = 1200;
/** A piece with more marks than this is shown as plain text. */
const maxMarks = 240;
const marks = /[*_~`[\]<]/g;

/** A line that begins sixteen nested quotes or lists, which only an attack has. */
const nesting = /^(?: *(?:>|(?:[*+-]|\d{1,9}[.)])(?= ))){16}/mu;
/** The maximum number of cells in a table: the lexer fills each row up to the length of the first. */
const maxCells = 20_000;

/**
 * Parses an untrusted text as GitHub's Markdown, at most `limit` of its characters; the rest is plain. Every line passes
 * `printable` before the lexer sees it.
 */
export function readDocument(text: string, limit: number): Document {
	const end = text.length <= limit ? text.length : cutAt(text, limit);
	const safe = printableLines(text.slice(0, end)).join('\n');
	const after = end < text.length ? text.slice(end).split('\n') : [];
	const known = new Map<string, readonly MarkedToken[]>();
	const {lexer, blocks} = blocksOf(safe);
	const inlines = new TimeBudget(maxTime);
	return {
		blocks: blocks ?? [],
		rest: blocks === null ? [...safe.split('\n'), ...after] : after,
		inline(piece) {
			let tokens = known.get(piece);
			if (tokens === undefined) known.set(piece, (tokens = inlineOf(lexer, piece, inlines)));
			return tokens;
		},
		colouring: new TimeBudget(maxTime),
	};
}

/** The end of the last line before the limit, or of the last word if the line is long. */
function cutAt(text: string, limit: number): number {
	const line = text.lastIndexOf('\n', limit);
	if (line > limit / 2) return line + 1;
	const word = text.lastIndexOf(' ', limit);
	if (word > limit / 2) return word + 1;
	// Never between the halves of a surrogate pair.
	const code = text.charCodeAt(limit - 1);
	return code >= 0xd8_00 && code < 0xdc_00 ? limit - 1 : limit;
}

interface Blocks {
	/** Knows the addresses that links refer to. */
	readonly lexer: Lexer;
	/** Null if the text cannot be parsed in reasonable time. */
	readonly blocks: readonly MarkedToken[] | null;
}

function blocksOf(text: string): Blocks {
	const unread = {lexer: newLexer(), blocks: null};
	if (nesting.test(text) || cellsIn(text) > maxCells) return unread;
	const read = (): Blocks => {
		const lexer = newLexer();
		const blocks = lexer.blockTokens(text, []) as MarkedToken[];
		// We parse inline text ourselves, when its block is shown.
		lexer.inlineQueue = [];
		return {lexer, blocks};
	};
	const budget = new TimeBudget(maxTime);
	try {
		return (text.length <= shortLength ? budget.runShort(read, shortTime) : budget.run(read)) ?? unread;
	} catch (error) {
		// Nested too deeply in another way.
		if (error instanceof RangeError) return unread;
		throw error;
	}
}

function newLexer(): Lexer {
	return new Lexer({gfm: true, breaks: true});
}

/** An upper bound for the number of cells in the text. */
function cellsIn(text: string): number {
	const lines = text.split('\n');
	return lines.length * Math.max(...lines.map(line => line.split('|').length - 1));
}

function inlineOf(lexer: Lexer, text: string, budget: TimeBudget): readonly MarkedToken[] {
	const tokens: MarkedToken[] = [];
	for (let from = 0; from < text.length;) {
		const end = text.length - from <= maxPieceLength ? text.length : from + cutAt(text.slice(from), maxPieceLength);
		const piece = text.slice(from, end);
		const isNoise = (piece.match(marks)?.length ?? 0) > maxMarks;
		tokens.push(...((isNoise ? null : readInline(lexer, piece, budget)) ?? [plainToken(piece)]));
		from = end;
	}
	return tokens;
}

const initialState = newLexer().state;

function readInline(lexer: Lexer, piece: string, budget: TimeBudget): MarkedToken[] | null {
	const read = (): MarkedToken[] => {
		// Reset it, because parsing may have been stopped in the middle of a link.
		lexer.state = {...initialState};
		return lexer.inlineTokens(piece) as MarkedToken[];
	};
	return piece.length <= shortLength ? budget.runShort(read, shortTime) : budget.run(read);
}

function plainToken(text: string): MarkedToken {
	return {type: 'text', raw: text, text};
}
