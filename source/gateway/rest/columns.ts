import {MailboxError} from '../../mailbox/error.ts';
import type {Json} from '../../mailbox/json.ts';

/*
 * Everything that comes from the network is checked once, by these, and by hand: a schema library would slow down the start of every
 * command. Unknown columns are left out. Each reader throws MailboxError `schema` for a row that does not have the expected shape.
 */

export type Reader<T> = (row: unknown) => T;
type Column<T> = (value: unknown) => T | undefined;

export const text: Column<string> = value => (typeof value === 'string' ? value : undefined);
export const flag: Column<boolean> = value => (typeof value === 'boolean' ? value : undefined);
export const real: Column<number> = value => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
/** A bigint comes as a number, or as digits from a server that protects it from JavaScript's rounding. */
export const integer: Column<number> = value => {
	const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
	return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
};
/** An xid8: digits, or a number from a server that does not know the type. */
export const digits: Column<string> = value => {
	const string = typeof value === 'number' ? String(value) : value;
	return typeof string === 'string' && /^\d+$/.test(string) ? string : undefined;
};
export const json: Column<Json> = value => (value === undefined ? undefined : (value as Json));
export const object: Column<{[key: string]: Json}> = value =>
	typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as {[key: string]: Json}) : undefined;

export function nullable<T>(column: Column<T>): Column<T | null> {
	return value => (value === null ? null : column(value));
}

export function list<T>(column: Column<T>): Column<T[]> {
	return value => {
		if (!Array.isArray(value)) return undefined;
		const items = value.map(column).filter(item => item !== undefined);
		return items.length === value.length ? items : undefined;
	};
}

export function among<T extends string>(names: readonly T[]): Column<T> {
	return value => names.find(name => name === value);
}

/** The type that the mailbox may expect of a column; `unknown` stands for PostgreSQL types without a TypeScript equivalent. */
type Sent<Value> = unknown extends Value ? unknown : Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** `never` where the migrations have no such column, another type, or a null that the mailbox does not expect. */
type Fitting<Expected, Value> = [Expected] extends [Sent<Value>]
	? [unknown] extends [Value]
		? Expected
		: [null, Extract<Expected, null>] extends [Value, never]
			? never
			: Expected
	: never;

/** A reader that takes exactly the columns named. `From`: the row that the database sends, by its generated types. */
export function row<T extends object, From extends object>(
	table: string,
	columns: {readonly [Name in keyof T]-?: Column<Name extends keyof From ? Fitting<T[Name], From[Name]> : never>},
): Reader<T> {
	const entries = Object.entries(columns) as [string, Column<unknown>][];
	return value => {
		const from = object(value);
		if (from === undefined) throw misfit(`${table} came without a row`);
		const to: Record<string, unknown> = {};
		for (const [name, column] of entries) {
			const read = column(from[name]);
			if (read === undefined) throw misfit(`${table}.${name} is missing or of another type`);
			to[name] = read;
		}
		return to as T;
	};
}

/** Reads an array of rows, or the single row of a function that does not return a set. */
export function rows<T>(reader: Reader<T>, data: unknown): T[] {
	if (data === null || data === undefined) return [];
	return (Array.isArray(data) ? data : [data]).map(reader);
}

export function misfit(what: string): MailboxError {
	return new MailboxError(
		'schema',
		`The tables in the database are of another version: ${what}.`,
		'Apply supabase/migrations to it with `supabase db push`.',
	);
}
