import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {owner} from './bootstrap.ts';
import {DatabaseError, type Database} from './database.ts';
import {HubError} from './error.ts';
import {packageRoot} from './package-root.ts';
import {splitStatements} from './split-statements.ts';

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
	const [recorded] = await database.run(owner, [
		{text: 'select version, created_by from supabase_migrations.schema_migrations order by version'},
	]);
	const rows = recorded?.rows ?? [];
	const newest = migrations.at(-1)?.version ?? '';
	// What came in through the management calls is the user's own, and may be as new as it likes.
	const unknown = rows.find(row => row['created_by'] === null && String(row['version']) > newest);
	if (unknown !== undefined) {
		throw new HubError(
			`The database was made by a newer agentmux: it has migration ${String(unknown['version'])}, and this one knows none after ${newest || 'the first'}.`,
			'Update agentmux, or choose another folder with AGENTMUX_HOME.',
		);
	}
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

function literal(text: string): string {
	return `'${text.replaceAll("'", "''")}'`;
}
