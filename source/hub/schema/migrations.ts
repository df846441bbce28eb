import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {owner} from './bootstrap.ts';
import {DatabaseError, type Database} from '../database/database.ts';
import {HubError} from '../files/error.ts';
import {packageRoot} from '../files/package-root.ts';
import {splitStatements} from '../database/split-statements.ts';

export interface Migration {
	/** The time in its file's name: 14 digits. */
	readonly version: string;
	readonly name: string;
	readonly sql: string;
}

const fileName = /^(?<version>\d{14})_(?<name>.+)\.sql$/;

/** The files of supabase/migrations in their order, as the Supabase CLI reads them. */
export async function readMigrations(folder = join(packageRoot, 'supabase', 'migrations')): Promise<Migration[]> {
	const migrations: Migration[] = [];
	for (const file of (await readdir(folder)).sort()) {
		const {version, name} = fileName.exec(file)?.groups ?? {};
		if (version === undefined || name === undefined) continue;
		migrations.push({version, name, sql: await readFile(join(folder, file), 'utf8')});
	}
	return migrations;
}

/** Runs a script and records it in the same transaction, as `supabase migration up` does. `createdBy`: null for our own. */
export async function applyMigration(
	database: Database,
	{version, name, sql}: Migration,
	createdBy: string | null = null,
): Promise<void> {
	const statements = `array[${splitStatements(sql).map(literal).join(', ')}]::text[]`;
	const values = [literal(version), statements, literal(name), createdBy === null ? 'null' : literal(createdBy)];
	const record = `insert into supabase_migrations.schema_migrations (version, statements, name, created_by) values (${values.join(', ')})`;
	await database.script(owner, `begin;\n${sql}\n;\nreset role; ${record}; commit;`);
}

/**
 * Applies what this version of agentmux brings and the database lacks; resolves with the versions applied. Throws HubError when
 * the database has a newer one of ours, or when one fails.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
	const rows = await checkVersion(database, migrations);
	const present = new Set(rows.map(row => row['version']));
	const missing = migrations.filter(({version}) => !present.has(version));
	for (const migration of missing) {
		try {
			await applyMigration(database, migration);
		} catch (error) {
			if (!(error instanceof DatabaseError)) throw error;
			throw new HubError(
				`Migration ${migration.version}_${migration.name} failed: ${error.message}.`,
				'Nothing of it was kept; see the hub log.',
				{cause: error},
			);
		}
	}
	return missing.map(({version}) => version);
}

interface Recorded {
	readonly version: string;
	readonly created_by: string | null;
}

/** What the database has, none when it is no mailbox yet. Throws HubError when that is newer than what this agentmux brings. */
export async function checkVersion(database: Database, migrations: readonly Migration[]): Promise<readonly Recorded[]> {
	const [there] = await database.run(owner, [
		{
			text: `select exists (
				select from pg_class where relname = 'schema_migrations' and relnamespace = to_regnamespace('supabase_migrations')
			) as there`,
		},
	]);
	if (there?.rows[0]?.['there'] !== true) return [];
	// The Supabase CLI makes that table without `created_by`.
	const text = `select version, to_jsonb(m) ->> 'created_by' as created_by from supabase_migrations.schema_migrations m order by version`;
	const [recorded] = await database.run(owner, [{text}]);
	const rows = (recorded?.rows ?? []) as unknown as readonly Recorded[];
	const newest = migrations.at(-1)?.version ?? '';
	// What came in through the management calls is the user's own, and may be as new as it likes.
	const unknown = rows.find(({version, created_by}) => created_by === null && version > newest);
	if (unknown === undefined) return rows;
	throw new HubError(
		`The database was made by a newer agentmux: it has migration ${unknown.version}, and this one knows none after ${newest || 'the first'}.`,
		'Update agentmux, or choose another database.',
	);
}

function literal(text: string): string {
	return `'${text.replaceAll("'", "''")}'`;
}
