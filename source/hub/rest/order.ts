import {type Field, parseField, parseName} from './field.ts';
import {Scanner} from './scanner.ts';

export interface OrderTerm {
	/** The embedded resource whose column orders, in `order=author(name)`. */
	readonly relation: string | null;
	readonly field: Field;
	readonly direction: 'asc' | 'desc' | null;
	readonly nulls: 'nullsfirst' | 'nullslast' | null;
}

/** `name.desc.nullslast,data->age,author(name).asc`. */
export function parseOrder(text: string): OrderTerm[] {
	const scanner = new Scanner(text, 'order');
	const terms = [parseTerm(scanner)];
	while (scanner.eat(',')) terms.push(parseTerm(scanner));
	scanner.end();
	return terms;
}

function parseTerm(scanner: Scanner): OrderTerm {
	scanner.space();
	const {relation, field} = parseRelated(scanner) ?? {relation: null, field: parseField(scanner)};
	const direction = scanner.eat('.asc') ? 'asc' : scanner.eat('.desc') ? 'desc' : null;
	const nulls = scanner.eat('.nullsfirst') ? 'nullsfirst' : scanner.eat('.nullslast') ? 'nullslast' : null;
	scanner.space();
	if (!scanner.done && scanner.next !== ',') {
		if (direction === null && nulls === null) scanner.fail('"asc", "desc", "nullsfirst" or "nullslast"');
		// PostgREST's parser looks ahead here for a single character, and so quotes it as one.
		scanner.fail('"," or end of input', `'${scanner.next}'`);
	}
	return {relation, field, direction, nulls};
}

function parseRelated(scanner: Scanner): {relation: string; field: Field} | null {
	const start = scanner.at;
	const relation = parseName(scanner);
	if (!scanner.eat('(')) {
		scanner.at = start;
		return null;
	}
	const field = parseField(scanner);
	scanner.expect(')');
	return {relation, field};
}
