import {readSql} from '../../files/read-sql.ts';

/**
 * Reads the whole catalog as one JSON document; $1 is the exposed schema. The search_path must be empty, so that types are qualified.
 * Locks no table: while a transaction alters one, requests would have to wait until it ends.
 */
export const catalogQuery = readSql(new URL('catalog.sql', import.meta.url));

/**
 * A value that changes whenever the catalog does: each row has the id of the transaction that wrote it, and deletions change the count.
 * Costs a few sequential scans of small tables.
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
