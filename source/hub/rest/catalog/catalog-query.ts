import {readSql} from '../../files/read-sql.ts';

/**
 * Reads the whole catalog as one JSON document; $1 is the exposed schema. Run with an empty search_path, so that types come
 * qualified. Locks no table: somebody's transaction may be altering one, and nobody could be served until it ended.
 */
export const catalogQuery = readSql(new URL('catalog.sql', import.meta.url));

/**
 * Changes with every committed change of the catalog: each row of it carries the transaction that wrote it, and a row
 * that went away changes the count. Costs a few sequential scans of small tables.
 */
export const fingerprintQuery = `select ${[
	'pg_namespace',
	'pg_class',
	'pg_attribute',
	'pg_attrdef',
	'pg_constraint',
	'pg_type',
	'pg_proc',
	'pg_rewrite',
	'pg_description',
]
	.map(table => `(select count(*) || ':' || max(xmin::text::bigint) from pg_catalog.${table})`)
	.join(` || ' ' || `)} as fingerprint`;
