import {MailboxError} from './error.ts';
import type {Json} from './json.ts';

/** One row of somebody's table: what a `result_table` holds. */
export interface TableRow {
	readonly [column: string]: Json;
}

/** Rows of a table that are read at the most. */
export const maxRows = 50;

const plainName = /^(?:public\.)?([A-Za-z_][A-Za-z0-9_]{0,62})$/;

/** The name as it is asked for, without the schema that is meant anyway. Throws `invalid` for what is no plain name. */
export function tableName(text: string): string {
	const name = plainName.exec(text)?.[1];
	if (name !== undefined) return name;
	throw new MailboxError('invalid', `\`${text.slice(0, 80)}\` is no plain name of a table, so it is not read.`);
}
