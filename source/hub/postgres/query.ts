import pg from 'pg';
import {notInTransaction, type Result, type Statement} from '../database/database.ts';
import {asText} from '../database/session.ts';
import {splitStatements} from '../database/split-statements.ts';

/** The types whose values are parsed, as with PGlite; all others stay in PostgreSQL's text form. */
const {BOOL, INT2, INT4, FLOAT4, FLOAT8} = pg.types.builtins;
const parsed = new Set<number>([BOOL, INT2, INT4, FLOAT4, FLOAT8]);
export const types: pg.CustomTypesConfig = {
	getTypeParser: (oid, format) =>
		parsed.has(oid) ? (pg.types.getTypeParser(oid, format) as (text: string) => unknown) : (text: string) => text,
};

/** Runs one statement, in the extended protocol. */
export async function query(client: pg.PoolClient, {text, values = []}: Statement): Promise<Result> {
	const parameters = values.map(value => (value === null || value === undefined ? null : asText(value)));
	const extended: pg.QueryConfig & {queryMode: 'extended'} = {text, values: parameters, queryMode: 'extended'};
	return toResult(await client.query(extended));
}

/**
 * Runs the statements of a script one by one in the extended protocol, which accepts only single statements, so that none can follow a
 * hidden COMMIT.
 */
export async function runReadOnly(client: pg.PoolClient, sql: string): Promise<Result[]> {
	const results: Result[] = [];
	for (const text of splitStatements(sql)) {
		results.push(await query(client, {text}));
		if (client.getTransactionStatus() !== 'T') throw notInTransaction();
	}
	return results;
}

export function toResult({rows, fields, rowCount}: pg.QueryResult<Record<string, unknown>>): Result {
	return {
		rows,
		fields: fields.map(({name, dataTypeID}) => ({name, dataTypeID})),
		count: rowCount ?? rows.length,
	};
}
