import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {bootstrapSql} from '../schema/bootstrap.ts';
import {readMigrations} from '../schema/migrations.ts';
import {packageRoot} from '../files/package-root.ts';

/** Our own package.json; it names PGlite's version exactly. */
interface Manifest {
	readonly dependencies: {readonly '@electric-sql/pglite': string};
}

/**
 * Where the build puts the data directory that first starts copy: initialised, bootstrapped and migrated. Its name says of
 * what it was made, so that one of another time is never taken.
 */
export async function templateFile(): Promise<string> {
	const hash = createHash('sha256');
	const {dependencies} = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as Manifest;
	hash.update(`${dependencies['@electric-sql/pglite']}\0${bootstrapSql}`);
	for (const {version, name, sql} of (await readMigrations()).current) hash.update(`\0${version}\0${name}\0${sql}`);
	return join(packageRoot, 'dist', `database-${hash.digest('hex').slice(0, 16)}.tar.gz`);
}
