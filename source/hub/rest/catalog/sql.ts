import {type Statement} from '../../database/database.ts';

declare const catalogued: unique symbol;

/** A name from the database's catalog or generated here: the only strings that may become identifiers. */
export type Name = string & {readonly [catalogued]: true};

/**
 * SQL text with parameters. It is composed of literal parts of this program, identifiers from the catalog, and `value`s. No function here
 * inserts text from a request into the text of a statement.
 */
export interface Sql {
	/** Always one more than `values`. */
	readonly strings: readonly string[];
	readonly values: readonly (string | null)[];
}

/** SQL written in this program; `${}` accepts other Sql, never a string. */
export function sql(strings: TemplateStringsArray, ...parts: readonly Sql[]): Sql {
	return interleave(strings, parts);
}

export const nothing: Sql = {strings: [''], values: []};

/** A value that becomes $n. PostgreSQL infers its type from the context. */
export function value(text: string | null): Sql {
	return {strings: ['', ''], values: [text]};
}

export function identifier(name: Name): Sql {
	return {strings: [`"${name.replaceAll('"', '""')}"`], values: []};
}

export function qualified({schema, name}: {readonly schema: Name; readonly name: Name}): Sql {
	return sql`${identifier(schema)}.${identifier(name)}`;
}

/** SQL from the catalog: a type, or the default of a column. */
export function catalogText(text: Name): Sql {
	return {strings: [text], values: []};
}

/** Marks a string as a name from the database. Never call it with text from a request. */
export function catalogName(text: string): Name {
	return text as Name;
}

/** A generated name like `t3`. */
export function generatedName(prefix: 't' | 'e' | 'c' | 'j' | 'b', number: number): Name {
	return `${prefix}${Math.trunc(number)}` as Name;
}

export function join(parts: readonly Sql[], separator: Sql): Sql {
	if (parts.length === 0) return nothing;
	const middle = separator.strings[0] ?? '';
	return interleave(['', ...parts.slice(1).map(() => middle), ''], parts);
}

export function comma(parts: readonly Sql[]): Sql {
	return join(parts, sql`, `);
}

/** The statement, with $1, $2, ... for the values. */
export function statement({strings, values}: Sql): Statement {
	return {text: strings.map((text, index) => (index === 0 ? text : `$${index}${text}`)).join(''), values};
}

function interleave(strings: readonly string[], parts: readonly Sql[]): Sql {
	const texts: string[] = [strings[0] ?? ''];
	const values: (string | null)[] = [];
	for (const [index, part] of parts.entries()) {
		const [first = '', ...rest] = part.strings;
		texts[texts.length - 1] += first;
		for (const text of rest) texts.push(text);
		for (const each of part.values) values.push(each);
		texts[texts.length - 1] += strings[index + 1] ?? '';
	}
	return {strings: texts, values};
}
