import {createHash} from 'node:crypto';
import type {Database, Scope} from '../database/database.ts';
import {readSql} from '../files/read-sql.ts';

/** The owner of everything, who migrations and management calls run as. */
export const owner: Scope = {role: 'postgres', claims: {role: 'postgres'}};

/** The owner while the hub changes its schema. */
export const migrator: Scope = {...owner, isUnlimited: true};

/** What a Supabase project has before the first migration. May run again at any time. */
export const bootstrapSql = [
	readSql(new URL('bootstrap.sql', import.meta.url)),
	readSql(new URL('realtime.sql', import.meta.url)),
	readSql(new URL('schema-watch.sql', import.meta.url)),
].join('\n');

const fingerprint = createHash('sha256').update(bootstrapSql).digest('hex');

// Roles are the server's, and not part of a dump.
const standing = readSql(new URL('bootstrapped.sql', import.meta.url));

/** Makes a PostgreSQL look like a new Supabase project, unless this very script did so before and the roles are there. */
export async function bootstrap(database: Database): Promise<void> {
	const [result] = await database.run(owner, [{text: standing}]);
	const {fingerprint: before, roles} = result?.rows[0] ?? {};
	if (before === fingerprint && roles === true) return;
	await database.script(migrator, `${bootstrapSql}; comment on schema supabase_migrations is '${fingerprint}'`);
}
