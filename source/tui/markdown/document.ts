import {Lexer, type MarkedToken} from 'marked';
import {printableLines} from '../../printable.ts';
import {TimeBudget} from './time-budget.ts';

/** A text as Markdown: its blocks, and what of it is shown as it is. */
export interface Document {
	readonly blocks: readonly MarkedToken[];
	/** Lines after the blocks that are not read as Markdown: beyond the limit, or all of them where reading would not end. */
	readonly rest: readonly string[];
	/** What stands within a block's text; read when it is first asked for. */
	inline(text: string): readonly MarkedToken[];
	/** For the colours of its code. */
	readonly colouring: TimeBudget;
}

/**
 * Milliseconds for each of: reading the blocks, reading what stands in them, colouring code. What takes longer is shown as it
 * was written. Ordinary texts take a tenth of it, also when the program has just started.
 */
const allowed = 40;
/** Of a shorter text even the worst repetition is read in a quarter of a millisecond. */
const short = 300;

/** A run of text longer than this is read in pieces: emphasis is looked for in quadratic time. */
const maxPieceLength = 1200;
/** So many marks in one piece mean nothing any more. */
const maxMarks = 240;
const marks = /[*_~`[\]<]/g;

/** A line that begins sixteen quotes or lists: its only purpose is to keep us busy. */
const nesting = /^(?: *(?:>|(?:[*+-]|\d{1,9}[.)])(?= ))){16}/mu;
/** A table has as many cells in each row as in its first, also where a row has only one. */
const maxCells = 20_000;

/**
 * Reads a text that somebody else wrote as GitHub's Markdown, at most `limit` of its characters; the rest is plain. Every
 * line passes `printable` before the lexer sees it.
 */
export function readDocument(text: string, limit: number): Document {
	const end = text.length <= limit ? text.length : cutAt(text, limit);
	const safe = printableLines(text.slice(0, end)).join('\n');
	const after = end < text.length ? text.slice(end).split('\n') : [];
	const known = new Map<string, readonly MarkedToken[]>();
	const {lexer, blocks} = blocksOf(safe);
	const inlines = new TimeBudget(allowed);
	return {
		blocks: blocks ?? [],
		rest: blocks === null ? [...safe.split('\n'), ...after] : after,
		inline(piece) {
			let tokens = known.get(piece);
			if (tokens === undefined) known.set(piece, (tokens = inlineOf(lexer, piece, inlines)));
			return tokens;
		},
		colouring: new TimeBudget(allowed),
	};
}

/** The end of the last line before the limit; of the last word where the line is longer than that. */
function cutAt(text: string, limit: number): number {
	const line = text.lastIndexOf('\n', limit);
	if (line > limit / 2) return line + 1;
	const word = text.lastIndexOf(' ', limit);
	if (word > limit / 2) return word + 1;
	// Never between the halves of a character.
	const code = text.charCodeAt(limit - 1);
	return code >= 0xd8_00 && code < 0xdc_00 ? limit - 1 : limit;
}

interface Blocks {
	/** Knows the addresses that links refer to. */
	readonly lexer: Lexer;
	/** Null where the text cannot be read in reasonable time. */
	readonly blocks: readonly MarkedToken[] | null;
}

function blocksOf(text: string): Blocks {
	const unread = {lexer: newLexer(), blocks: null};
	if (nesting.test(text) || cellsIn(text) > maxCells) return unread;
	const read = (): Blocks => {
		const lexer = newLexer();
		const blocks = lexer.blockTokens(text, []) as MarkedToken[];
		// Inlines are read by ourselves, when their block is shown.
		lexer.inlineQueue = [];
		return {lexer, blocks};
	};
	const budget = new TimeBudget(allowed);
	try {
		return (text.length <= short ? budget.runShort(read) : budget.run(read)) ?? unread;
	} catch (error) {
		// Nested too deep in another way.
		if (error instanceof RangeError) return unread;
		throw error;
	}
}

function newLexer(): Lexer {
	return new Lexer({gfm: true, breaks: true});
}

/** How many cells the text may hold at the most. */
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
		// As it was before whatever was stopped in the middle of a link.
		lexer.state = {...initialState};
		return lexer.inlineTokens(piece) as MarkedToken[];
	};
	return piece.length <= short ? budget.runShort(read) : budget.run(read);
}

function plainToken(text: string): MarkedToken {
	return {type: 'text', raw: text, text};
}
