import {type Scanner} from './scanner.ts';

/** A step into JSON: `->key`, `->>0`. */
export interface JsonStep {
	readonly arrow: '->' | '->>';
	readonly key: string | number;
}

/** A column in a request, with an optional path into its JSON. */
export interface Field {
	readonly name: string;
	readonly path: readonly JsonStep[];
}

/** Matches the first character of a name. */
export const startsName = /^[\p{L}\p{N}_ $"]/u;

/** A name: quoted, or letters, digits, `_`, `$`, spaces and inner dashes. */
export function parseName(scanner: Scanner): string {
	if (scanner.next === '"') return parseQuoted(scanner);
	const name = scanner.match(/[\p{L}\p{N}_ $]+(?:-(?!>)[\p{L}\p{N}_ $]+)*/uy);
	return name === null ? scanner.fail('field name (* or [a..z0..9_$])') : name.trim();
}

/** `"a \"quoted\" text"`. */
export function parseQuoted(scanner: Scanner): string {
	const quoted = scanner.match(/"(?:[^"\\]|\\[^])*"/y);
	return quoted === null ? scanner.fail('a quoted value') : quoted.slice(1, -1).replaceAll(/\\([^])/g, '$1');
}

export function parseField(scanner: Scanner): Field {
	scanner.space();
	const field = {name: parseName(scanner), path: parsePath(scanner)};
	scanner.space();
	return field;
}

function parsePath(scanner: Scanner): JsonStep[] {
	const path: JsonStep[] = [];
	while (scanner.sees('->')) {
		const arrow = scanner.eat('->>') ? '->>' : scanner.eat('->') && '->';
		if (arrow !== false) path.push({arrow, key: parseKey(scanner)});
	}
	return path;
}

function parseKey(scanner: Scanner): string | number {
	const index = scanner.match(/-?\d+(?=->|::|[.,)]|$)/y);
	if (index !== null && Number.isSafeInteger(Number(index))) return Number(index);
	if (index !== null) return index;
	if (scanner.next === '"') return parseQuoted(scanner);
	const key = scanner.match(/[^(:.,>)-]+(?:-(?!>)[^(:.,>)-]+)*/y);
	if (key !== null) return key.trim();
	if (scanner.eat('-')) scanner.fail('digit');
	return scanner.fail('"-", digit or any non reserved character different from: .,>()');
}
