import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {bootstrapSql} from '../schema/bootstrap.ts';
import {readMigrations} from '../schema/migrations.ts';
import {packageRoot} from '../files/package-root.ts';

/** Our package.json, which has the exact version of PGlite. */
interface Manifest {
	readonly dependencies: {readonly '@electric-sql/pglite': string};
}

/**
 * The last statements of a new data directory. PGlite has one database; the templates for others are two thirds of the files. VACUUM
 * records that the tables are empty, and the hub's one session would keep plans for that until the next vacuum: each message would read
 * all earlier ones. -1: never vacuumed, so the planner assumes some rows, as in any new database (pg_class in PostgreSQL's manual).
 */
export const finishing: readonly string[] = [
	'update pg_database set datistemplate = false',
	'drop database template0',
	'drop database template1',
	'vacuum full',
	`update pg_class set reltuples = -1 where relkind = 'r' and reltuples = 0 and relnamespace <> 'pg_catalog'::regnamespace`,
	'checkpoint',
];

/**
 * The path of the data directory that the build prepares (initialized, bootstrapped and migrated) and a first start copies. The name has
 * a hash of everything that went into it, so that an outdated one is never used.
 */
export async function templateFile(): Promise<string> {
	const hash = createHash('sha256');
	const {dependencies} = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as Manifest;
	hash.update([dependencies['@electric-sql/pglite'], bootstrapSql, ...finishing].join('\0'));
	for (const {version, name, sql} of (await readMigrations()).current) hash.update(`\0${version}\0${name}\0${sql}`);
	return join(packageRoot, 'dist', `database-${hash.digest('hex').slice(0, 16)}.tar.gz`);
}
