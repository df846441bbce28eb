import {MailboxError} from './error.ts';
import type {Json} from './json.ts';

/** One row of a `result_table`. */
export interface TableRow {
	readonly [column: string]: Json;
}

/** The maximum number of rows that are read. */
export const maxRows = 50;

const plainName = /^(?:public\.)?([A-Za-z_][A-Za-z0-9_]{0,62})$/;

/** The plain name of a table, without the schema `public`. Throws `invalid` if it is not a plain name. */
export function tableName(text: string): string {
	const name = plainName.exec(text)?.[1];
	if (name !== undefined) return name;
	throw new MailboxError('invalid', `\`${text.slice(0, 80)}\` is not a plain table name, so it is not read.`);
}
