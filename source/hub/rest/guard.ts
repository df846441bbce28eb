import {randomUUID} from 'node:crypto';
import {type DatabaseError} from '../database/database.ts';
import {notSingular, putMismatch, type RestError, tooManyAffected} from './errors/error.ts';
import {sql, type Sql, value} from './catalog/sql.ts';

export type Guard = 'single' | 'put' | {readonly atMost: number};

// An error raised inside the statement rolls back its writes. The text is random, so that no one else can raise it.
const mark = `guard-${randomUUID()}`;

/** The body; if the number of rows violates a guard, an error that `guardError` recognizes. */
export function guarded(body: Sql, guards: readonly Guard[]): Sql {
	return guards.reduce((inner, guard) => {
		const wrong =
			typeof guard === 'string' ? sql`count(*) <> 1` : sql`count(*) > ${value(String(guard.atMost))}::bigint`;
		const kind = typeof guard === 'string' ? guard : 'affected';
		return sql`case when ${wrong} then ((${value(`${mark}:${kind}:`)}::text || count(*)::text)::int)::text else ${inner} end`;
	}, body);
}

/** The REST error for a database error that a guard raised; null for all other errors. */
export function guardError({message}: DatabaseError): RestError | null {
	const [, kind = '', rows = ''] = new RegExp(`${mark}:([a-z]+):(\\d+)`).exec(message) ?? [];
	switch (kind) {
		case 'single':
			return notSingular(rows);
		case 'put':
			return putMismatch();
		case 'affected':
			return tooManyAffected(rows);
		default:
			return null;
	}
}
