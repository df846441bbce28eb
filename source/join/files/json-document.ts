import {parseTree, printParseErrorCode, type Node, type ParseError} from 'jsonc-parser';

/** A value of a JSON text and its range: `[start, end)` in UTF-16 units. */
export interface JsonNode {
	readonly start: number;
	readonly end: number;
	/** Of an object, in the order of the text; null for everything else. */
	readonly members: readonly JsonMember[] | null;
	/** Of an array; null for everything else. */
	readonly items: readonly JsonNode[] | null;
}

export interface JsonMember {
	readonly key: string;
	/** Where its key begins. */
	readonly start: number;
	readonly value: JsonNode;
}

/** Not JSON (RFC 8259). `line` counts from 1; `message` says what is wrong there, without a full stop. */
export class JsonFault extends Error {
	override readonly name = 'JsonFault';
	readonly line: number;

	constructor(message: string, line: number) {
		super(message);
		this.line = line;
	}
}

/** By the name of the parser's error. */
const faults: {readonly [code: string]: string} = {
	InvalidSymbol: 'unexpected symbol',
	PropertyNameExpected: 'a name in double quotes is expected',
	ValueExpected: 'a value is expected',
	ColonExpected: 'a colon is expected',
	CommaExpected: 'a comma is expected',
	CloseBraceExpected: '`}` is expected',
	CloseBracketExpected: '`]` is expected',
	EndOfFileExpected: 'the end of the document is expected',
	InvalidCommentToken: 'comments are not allowed',
	UnexpectedEndOfComment: 'a comment is not closed',
	UnexpectedEndOfString: 'a string is not closed',
	UnexpectedEndOfNumber: 'a number is incomplete',
	InvalidUnicode: 'invalid `\\u` escape in a string',
	InvalidEscapeCharacter: 'invalid escape in a string',
	InvalidCharacter: 'control character in a string',
};

const maxDepth = 200;

/**
 * Parses a text into ranges, so that one entry can be changed without touching any other byte. With `comments`, JavaScript's
 * comments are allowed. Throws JsonFault.
 */
export function locate(text: string, {comments = false}: {readonly comments?: boolean} = {}): JsonNode {
	const errors: ParseError[] = [];
	const root = tree(text, errors, comments);
	const [error] = errors;
	if (root === undefined || error !== undefined) {
		const {error: code = 4, offset = 0} = error ?? {};
		const line = text.slice(0, offset).split('\n').length;
		throw new JsonFault(faults[printParseErrorCode(code)] ?? 'not JSON', line);
	}
	return nodeOf(root, 0);
}

function tree(text: string, errors: ParseError[], comments: boolean): Node | undefined {
	try {
		// A byte order mark is not JSON, but some editors write it.
		return parseTree(text.replace(/^\uFEFF/, ' '), errors, {disallowComments: !comments});
	} catch (error) {
		throw error instanceof RangeError ? tooDeep() : error;
	}
}

function nodeOf({type, offset, length, children = []}: Node, depth: number): JsonNode {
	if (depth > maxDepth) throw tooDeep();
	const items = type === 'array' ? children.map(child => nodeOf(child, depth + 1)) : null;
	const members = type === 'object' ? children.flatMap(child => memberOf(child, depth + 1)) : null;
	return {start: offset, end: offset + length, members, items};
}

function memberOf({offset, children: [key, value] = []}: Node, depth: number): JsonMember[] {
	if (key === undefined || value === undefined) return [];
	return [{key: String(key.value), start: offset, value: nodeOf(value, depth)}];
}

function tooDeep(): JsonFault {
	return new JsonFault('it is nested too deeply', 1);
}
