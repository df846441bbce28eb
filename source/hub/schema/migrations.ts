import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {migrator, owner} from './bootstrap.ts';
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

/** The migrations of this agentmux. */
export interface Migrations {
	readonly current: readonly Migration[];
	/**
	 * Those that `current` was made of, and at their end the bridge to it, which has the version of its first. Only databases that
	 * have some of them get the others: see supabase/former.
	 */
	readonly former: readonly Migration[];
}

const fileName = /^(?<version>\d{14})_(?<name>.+)\.sql$/;

/** Reads both folders. */
export async function readMigrations(folder = join(packageRoot, 'supabase')): Promise<Migrations> {
	return {
		current: await readFolder(join(folder, 'migrations')),
		former: await readFolder(join(folder, 'former', 'supabase', 'migrations')),
	};
}

/** The files of a folder in their order, as the Supabase CLI reads them. */
async function readFolder(folder: string): Promise<Migration[]> {
	const migrations: Migration[] = [];
	for (const file of (await readdir(folder)).sort()) {
		const {version, name} = fileName.exec(file)?.groups ?? {};
		if (version === undefined || name === undefined) continue;
		migrations.push({version, name, sql: await readFile(join(folder, file), 'utf8')});
	}
	return migrations;
}

/**
 * Runs a script and records it in the same transaction, as `supabase migration up` does. `createdBy`: null for our own, which
 * may have been recorded there before; the owner's can be cancelled. Neither has a time limit.
 */
export async function applyMigration(
	database: Database,
	{version, name, sql}: Migration,
	createdBy: string | null = null,
	signal?: AbortSignal,
): Promise<void> {
	const statements = `array[${splitStatements(sql).map(literal).join(', ')}]::text[]`;
	const values = [literal(version), statements, literal(name), createdBy === null ? 'null' : literal(createdBy)];
	const record = `insert into supabase_migrations.schema_migrations (version, statements, name, created_by) values (${values.join(', ')})`;
	const conflict = createdBy === null ? ' on conflict (version) do nothing' : '';
	const scope = createdBy === null ? migrator : {...migrator, isOwnSql: true};
	await database.script(scope, `begin;\n${sql}\n;\nreset role; ${record}${conflict}; commit;`, signal);
}

/**
 * Applies what this version of agentmux brings and the database lacks, each in a transaction of its own, so that one that was
 * interrupted is applied by the next start; resolves with the versions applied. `onProgress`: called with a sentence before each. Throws
 * HubError when the database has a newer one of ours, or when one fails; and the signal's reason when it is aborted, even during one.
 */
export async function migrate(
	database: Database,
	migrations: Migrations,
	onProgress: (sentence: string) => void = () => undefined,
	signal?: AbortSignal,
): Promise<string[]> {
	const missing = await missingMigrations(database, migrations);
	for (const [index, migration] of missing.entries()) {
		signal?.throwIfAborted();
		onProgress(`Updating the database: migration ${index + 1} of ${missing.length}, ${migration.name}.`);
		try {
			await applyMigration(database, migration, null, signal);
		} catch (error) {
			// Also when it did not heed that and was ended with its session, which is a DatabaseError.
			signal?.throwIfAborted();
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

/**
 * What the database lacks, in order. Throws HubError when it has a migration of ours that is newer than what this agentmux brings.
 * What else is in supabase_migrations is not ours, and may be as new as it likes.
 */
export async function missingMigrations(
	database: Database,
	{current, former}: Migrations,
): Promise<readonly Migration[]> {
	const applied = await versionsIn(database, 'agentmux.migrations');
	const newest = current.at(-1)?.version ?? '';
	const unknown = [...applied.keys()].find(version => version > newest);
	if (unknown !== undefined) {
		throw new HubError(
			`The database was made by a newer agentmux: it has migration ${unknown}, and this one knows none after ${newest || 'the first'}.`,
			'Update agentmux, or choose another database.',
		);
	}
	if (applied.size > 0) return current.filter(({version}) => !applied.has(version));
	const recorded = await versionsIn(database, 'supabase_migrations.schema_migrations');
	// Somebody else's may have the same version. Who records no name is an old CLI.
	const isThere = ({version, name}: Migration): boolean => [name, ''].includes(recorded.get(version) ?? '\0');
	if (!former.some(isThere)) return current;
	return [...former.filter(migration => !isThere(migration)), ...current.slice(1)];
}

/** The versions in a list of migrations, with their names where it has names; none when there is no such list. */
async function versionsIn(database: Database, table: string): Promise<ReadonlyMap<string, string>> {
	const [there] = await database.run(owner, [{text: 'select to_regclass($1) is not null as there', values: [table]}]);
	if (there?.rows[0]?.['there'] !== true) return new Map();
	const text = `select version, coalesce(to_jsonb(m) ->> 'name', '') as name from ${table} as m order by version`;
	const [result] = await database.run(owner, [{text}]);
	return new Map(result?.rows.map(row => [String(row['version']), String(row['name'])]));
}

function literal(text: string): string {
	return `'${text.replaceAll("'", "''")}'`;
}
