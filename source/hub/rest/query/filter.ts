import {type Field, parseField, parseQuoted, startsName} from './field.ts';
import {Scanner} from './scanner.ts';

/** Operators that may be followed by `(any)` or `(all)`. */
const quantified = ['eq', 'gte', 'gt', 'lte', 'lt', 'like', 'ilike', 'match', 'imatch'] as const;
const plain = ['neq', 'cs', 'cd', 'ov', 'sl', 'sr', 'nxr', 'nxl', 'adj'] as const;
const searches = ['fts', 'plfts', 'phfts', 'wfts'] as const;
const truths = ['null', 'not_null', 'true', 'false', 'unknown'] as const;

export type Comparison = (typeof quantified)[number] | (typeof plain)[number];
export type Search = (typeof searches)[number];
export type Truth = (typeof truths)[number];

export type Operation =
	| {
			readonly kind: 'compare';
			readonly operator: Comparison;
			readonly quantifier: 'any' | 'all' | null;
			readonly value: string;
	  }
	| {readonly kind: 'in'; readonly values: readonly string[]}
	| {readonly kind: 'is'; readonly truth: Truth}
	| {readonly kind: 'distinct'; readonly value: string}
	| {readonly kind: 'search'; readonly operator: Search; readonly language: string | null; readonly value: string};

export interface Filter {
	readonly kind: 'filter';
	readonly field: Field;
	readonly negated: boolean;
	readonly operation: Operation;
}

interface Logic {
	readonly kind: 'and' | 'or';
	readonly negated: boolean;
	readonly nodes: readonly Condition[];
}

export type Condition = Filter | Logic;

const expected = '"not" or operator (eq, gt, ...)';
const operators = new RegExp(
	String.raw`(?:not\.)?(?:(?:${quantified.join('|')})(?:\((?:any|all)\))?|${plain.join('|')}|in|is|isdistinct|(?:${searches.join('|')})(?:\([\p{L}\p{N}_ $]+\))?)\.`,
	'uy',
);

/** Whether text starts like a filter: `eq.`, `not.in.`. If not, it is a function's argument. */
export function startsAsFilter(text: string): boolean {
	return new Scanner(text, 'filter').match(operators) !== null;
}

/** Parses a filter on `field`: `not.eq.5`, `in.(1,2)`. */
export function parseFilter(field: Field, text: string): Filter {
	const scanner = new Scanner(text, 'filter');
	const {negated, operation} = parseOperation(scanner, () => scanner.match(/[^]*/y) ?? '');
	scanner.end();
	return {kind: 'filter', field, negated, operation};
}

/** Parsing is recursive and the stack is limited; no real query is deeper. */
const maxDepth = 100;

/**
 * Parses `(id.eq.1,not.and(a.lt.3,b.is.null))`, the value of `and` or `or`. Like PostgREST, it parses key and value as one text, so that
 * `or=id.eq.1` is a filter on `orid`, and ignores anything after the last parenthesis.
 */
export function parseLogic(kind: 'and' | 'or', negated: boolean, text: string): Condition {
	return parseNode(new Scanner(`${negated ? 'not.' : ''}${kind}${text}`, 'logic tree', text), 0);
}

function parseNodes(scanner: Scanner, kind: 'and' | 'or', negated: boolean, depth: number): Logic {
	if (depth > maxDepth) scanner.fail('a tree that is less deep');
	scanner.lexeme('(');
	const nodes = [parseNode(scanner, depth)];
	scanner.space();
	while (scanner.eat(',')) {
		scanner.space();
		nodes.push(parseNode(scanner, depth));
		scanner.space();
	}
	scanner.lexeme(')');
	return {kind, negated, nodes};
}

function parseNode(scanner: Scanner, depth: number): Condition {
	const branch = scanner.match(/(?:not\.)?(?:and|or)(?=[ \t]*\()/y);
	if (branch !== null)
		return parseNodes(scanner, branch.endsWith('and') ? 'and' : 'or', branch.startsWith('not.'), depth + 1);
	scanner.space();
	if (!startsName.test(scanner.next)) {
		scanner.fail('field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)');
	}
	const field = parseField(scanner);
	scanner.expect('.');
	const {negated, operation} = parseOperation(scanner, () => parseInner(scanner));
	return {kind: 'filter', field, negated, operation};
}

/** A value in a logic tree ends at `,` or `)`, unless it is quoted or an array literal. */
function parseInner(scanner: Scanner): string {
	return parseElement(scanner) ?? scanner.match(/\{[^{}]*\}/y) ?? scanner.match(/[^,)]*/y) ?? '';
}

function parseElement(scanner: Scanner): string | null {
	const start = scanner.at;
	if (scanner.match(/"(?:[^"\\]|\\[^])*"(?=[,)]|$)/y) === null) return null;
	scanner.at = start;
	return parseQuoted(scanner);
}

function parseOperation(scanner: Scanner, parseValue: () => string): {negated: boolean; operation: Operation} {
	const negated = scanner.eat('not.');
	const operator = scanner.match(/[a-z]+/y);
	const is = (names: readonly string[]) => operator !== null && names.includes(operator);
	if (operator === 'in') return {negated, operation: {kind: 'in', values: afterDot(scanner, () => parseList(scanner))}};
	if (operator === 'is') return {negated, operation: {kind: 'is', truth: afterDot(scanner, () => parseTruth(scanner))}};
	if (operator === 'isdistinct') return {negated, operation: {kind: 'distinct', value: afterDot(scanner, parseValue)}};
	if (is(searches)) {
		const language =
			scanner
				.match(/\([\p{L}\p{N}_ $]+\)/uy)
				?.slice(1, -1)
				.trim() ?? null;
		const value = afterDot(scanner, parseValue);
		return {negated, operation: {kind: 'search', operator: operator as Search, language, value}};
	}
	if (!is(quantified) && !is(plain)) {
		scanner.at -= operator?.length ?? 0;
		scanner.fail(negated ? 'operator (eq, gt, ...)' : expected);
	}
	const quantifier = is(quantified) ? (scanner.eat('(any)') ? 'any' : scanner.eat('(all)') ? 'all' : null) : null;
	const value = afterDot(scanner, parseValue);
	return {negated, operation: {kind: 'compare', operator: operator as Comparison, quantifier, value}};
}

function afterDot<T>(scanner: Scanner, parse: () => T): T {
	if (!scanner.eat('.')) scanner.fail('operator (eq, gt, ...)');
	return parse();
}

function parseTruth(scanner: Scanner): Truth {
	const word = scanner.match(/not_null|null|true|false|unknown/iy)?.toLowerCase();
	return truths.find(truth => truth === word) ?? scanner.fail('isVal: (null, not_null, true, false, unknown)');
}

function parseList(scanner: Scanner): string[] {
	scanner.lexeme('(');
	const values: string[] = [];
	do values.push(parseElement(scanner) ?? scanner.match(/[^,)]*/y) ?? '');
	while (scanner.eat(','));
	scanner.lexeme(')');
	return values;
}
