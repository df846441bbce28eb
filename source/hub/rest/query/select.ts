import {noAggregates} from '../errors/error.ts';
import {type Field, parseField, parseName} from './field.ts';
import {Scanner} from './scanner.ts';

export type SelectItem = SelectStar | SelectField | SelectRelation;

interface SelectStar {
	readonly kind: 'star';
}

interface SelectField {
	readonly kind: 'field';
	readonly field: Field;
	/** The name of the type, as in the request. */
	readonly cast: string | null;
	readonly alias: string | null;
}

export interface SelectRelation {
	readonly kind: 'relation';
	readonly name: string;
	readonly alias: string | null;
	readonly hint: string | null;
	readonly inner: boolean;
	readonly spread: boolean;
	readonly items: readonly SelectItem[];
}

const maxDepth = 50;

/** Parses `id,name::text,alias:data->>key,author!fk!inner(*),...parent(title)`. Ignores an extra `)` at the end, as PostgREST does. */
export function parseSelect(text: string): SelectItem[] {
	const scanner = new Scanner(text, 'select parameter');
	const items = parseItems(scanner, 0);
	if (scanner.next !== ')') scanner.end();
	return items;
}

function parseItems(scanner: Scanner, depth: number): SelectItem[] {
	if (depth > maxDepth) scanner.fail('a select that is less deep');
	scanner.space();
	if (scanner.done || scanner.next === ')') return [];
	const items: SelectItem[] = [];
	do items.push(parseItem(scanner, depth));
	while (scanner.eat(','));
	return items;
}

function parseItem(scanner: Scanner, depth: number): SelectItem {
	scanner.space();
	if (scanner.match(/\*[ \t]*(?=[,)]|$)/y) !== null) return {kind: 'star'};
	const spread = scanner.eat('...');
	const alias = spread ? null : parseAlias(scanner);
	if (!spread && scanner.match(/count\(\)/y) !== null) throw noAggregates();
	const start = scanner.at;
	const name = parseName(scanner);
	const {hint, inner} = parseParameters(scanner);
	if (scanner.eat('(')) {
		const items = parseItems(scanner, depth + 1);
		scanner.expect(')');
		scanner.space();
		return {kind: 'relation', name, alias, hint, inner, spread, items};
	}
	if (spread || hint !== null || inner) scanner.fail('"("');
	scanner.at = start;
	const field = parseField(scanner);
	const cast = parseCast(scanner);
	if (scanner.match(/\.(?:sum|avg|count|max|min)\(\)/y) !== null) throw noAggregates();
	scanner.space();
	if (!scanner.done && scanner.next !== ',' && scanner.next !== ')') {
		scanner.fail('letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input');
	}
	return {kind: 'field', field, cast, alias};
}

function parseAlias(scanner: Scanner): string | null {
	const start = scanner.at;
	const alias = parseName(scanner);
	if (scanner.match(/:(?!:)/y) !== null) {
		scanner.space();
		return alias;
	}
	scanner.at = start;
	return null;
}

function parseCast(scanner: Scanner): string | null {
	if (!scanner.eat('::')) return null;
	return scanner.match(/[\p{L}\p{N}_ $]+/uy)?.trim() ?? scanner.fail('letter or digit');
}

function parseParameters(scanner: Scanner): {hint: string | null; inner: boolean} {
	let hint: string | null = null;
	let inner = false;
	for (let count = 0; count < 2 && scanner.eat('!'); count += 1) {
		const parameter = parseName(scanner);
		if (parameter === 'inner') inner = true;
		else if (parameter !== 'left') hint ??= parameter;
	}
	return {hint, inner};
}
