import {type Statement} from '../../database/database.ts';

declare const catalogued: unique symbol;

/** A name that the database itself gave, or that this room made up: the only kind that may become an identifier. */
export type Name = string & {readonly [catalogued]: true};

/**
 * SQL text whose values are parameters. It is put together from pieces of this program, identifiers of the catalog and
 * `value`s; no function here takes text of a request into the text of a statement.
 */
export interface Sql {
	/** One more than there are values. */
	readonly strings: readonly string[];
	readonly values: readonly (string | null)[];
}

/** SQL written in this program: `${}` takes other Sql, never a string. */
export function sql(strings: TemplateStringsArray, ...parts: readonly Sql[]): Sql {
	return interleave(strings, parts);
}

export const nothing: Sql = {strings: [''], values: []};

/** A value, which becomes $n. PostgreSQL infers its type from where it stands. */
export function value(text: string | null): Sql {
	return {strings: ['', ''], values: [text]};
}

export function identifier(name: Name): Sql {
	return {strings: [`"${name.replaceAll('"', '""')}"`], values: []};
}

export function qualified({schema, name}: {readonly schema: Name; readonly name: Name}): Sql {
	return sql`${identifier(schema)}.${identifier(name)}`;
}

/** An expression that the catalog itself holds as SQL: the text of a type, the default of a column. */
export function catalogText(text: Name): Sql {
	return {strings: [text], values: []};
}

/** What the database said a thing is called. Nothing of a request may pass here. */
export function catalogName(text: string): Name {
	return text as Name;
}

/** A name of our own making, as `t3`. */
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

/** The text with $1, $2, ... and its values. */
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
