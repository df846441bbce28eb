import {createHash} from 'node:crypto';
import type {Database, Scope} from '../database/database.ts';
import {readSql} from '../files/read-sql.ts';

/** The owner of everything, who migrations and management calls run as. */
export const owner: Scope = {role: 'postgres', claims: {role: 'postgres'}};

/** What a Supabase project has before the first migration. May run again at any time. */
export const bootstrapSql = [
	readSql(new URL('bootstrap.sql', import.meta.url)),
	readSql(new URL('realtime.sql', import.meta.url)),
	readSql(new URL('schema-watch.sql', import.meta.url)),
].join('\n');

const fingerprint = createHash('sha256').update(bootstrapSql).digest('hex');

/** Makes a PostgreSQL look like a new Supabase project, unless this very script did so before. */
export async function bootstrap(database: Database): Promise<void> {
	const [result] = await database.run(owner, [
		{text: `select obj_description(to_regnamespace('supabase_migrations'), 'pg_namespace') as fingerprint`},
	]);
	if (result?.rows[0]?.['fingerprint'] === fingerprint) return;
	await database.script(owner, `${bootstrapSql}; comment on schema supabase_migrations is '${fingerprint}'`);
}
