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
 * The path of the data directory that the build prepares (initialized, bootstrapped and migrated) and a first start copies. The name has
 * a hash of everything that went into it, so that an outdated one is never used.
 */
export async function templateFile(): Promise<string> {
	const hash = createHash('sha256');
	const {dependencies} = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as Manifest;
	hash.update(`${dependencies['@electric-sql/pglite']}\0${bootstrapSql}`);
	for (const {version, name, sql} of (await readMigrations()).current) hash.update(`\0${version}\0${name}\0${sql}`);
	return join(packageRoot, 'dist', `database-${hash.digest('hex').slice(0, 16)}.tar.gz`);
}
