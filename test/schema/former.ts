import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../source/hub/database/database.ts';
import {applyMigration, migrate, readMigrations} from '../../source/hub/schema/migrations.ts';

export const migrations = await readMigrations();

/** Makes of an empty database one as an agentmux of before that version had it: with the former migrations up to there. */
export async function makeFormer(database: Database, version: string): Promise<void> {
	await bootstrap(database);
	for (const migration of migrations.former) {
		if (migration.version < version) await applyMigration(database, migration);
	}
}

/** The rows of a statement of the owner. */
export async function rowsOf(
	database: Database,
	text: string,
): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> {
	const [result] = await database.run(owner, [{text}]);
	return result?.rows ?? [];
}

/** Makes of an empty database one as a released agentmux of before that version has it. */
export async function makeReleased(database: Database, version: string): Promise<void> {
	await bootstrap(database);
	await migrate(database, {...migrations, current: migrations.current.filter(each => each.version < version)});
}
