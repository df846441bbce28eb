import type {Database} from '../../../source/hub/database/database.ts';
import {PostgresDatabase, type PostgresOptions} from '../../../source/hub/postgres/postgres.ts';
import {parsePostgresUrl} from '../../../source/hub/database/postgres-url.ts';
import {startPostgres} from '../../helpers/postgres.ts';

/** The Database port on a real PostgreSQL of its own, which ends with it. */
export async function openPostgresDatabase(options: PostgresOptions = {}): Promise<Database> {
	const server = await startPostgres();
	const database = await PostgresDatabase.open(parsePostgresUrl(server.connectionString), options);
	return {
		run: (scope, statements, signal) => database.run(scope, statements, signal),
		script: (scope, sql, signal) => database.script(scope, sql, signal),
		listen: (channel, listener) => database.listen(channel, listener),
		async close() {
			await database.close();
			await server.stop();
		},
	};
}
