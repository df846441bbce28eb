import {type Field, parseField, parseName} from './field.ts';
import {Scanner} from './scanner.ts';

export interface OrderTerm {
	/** The embedded resource in `order=author(name)`. */
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
	if (!scanner.done && scanner.next !== ',') failTerm(scanner, direction !== null, nulls !== null);
	return {relation, field, direction, nulls};
}

/** PostgREST's own error messages: its parser tries word by word after a dot, and looks one character ahead elsewhere. */
function failTerm(scanner: Scanner, directed: boolean, nulls: boolean): never {
	const words = directed ? ['nullsfirst', 'nullslast'] : ['asc', 'desc', 'nullsfirst', 'nullslast'];
	if (!nulls && scanner.eat('.')) {
		const found = firstDifference(scanner.text.slice(scanner.at), words[0] ?? '');
		const listed = words.map(word => `"${word}"`);
		scanner.fail(
			`${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}`,
			found === '' ? 'end of input' : JSON.stringify(found),
		);
	}
	const before = nulls ? '' : directed ? 'delimiter (.), ' : 'letter, digit, "-", "->>", "->", delimiter (.), ';
	scanner.fail(`${before}"," or end of input`, `'${scanner.next}'`);
}

/** The first character that differs from the word; empty if the text ends first. */
function firstDifference(text: string, word: string): string {
	for (let index = 0; index < word.length; index += 1) {
		if (text.charAt(index) !== word.charAt(index)) return text.charAt(index);
	}
	return text.charAt(word.length);
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
