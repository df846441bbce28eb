import type {Database} from '../../../source/hub/database.ts';
import {PostgresDatabase, type PostgresOptions} from '../../../source/hub/postgres.ts';
import {parsePostgresUrl} from '../../../source/hub/postgres-url.ts';
import {startPostgres} from '../../helpers/postgres.ts';

/** The Database port on a real PostgreSQL of its own, which ends with it. */
export async function openPostgresDatabase(options: PostgresOptions = {}): Promise<Database> {
	const server = await startPostgres();
	const database = await PostgresDatabase.open(parsePostgresUrl(server.connectionString), options);
	return {
		run: (scope, statements) => database.run(scope, statements),
		script: (scope, sql) => database.script(scope, sql),
		listen: (channel, listener) => database.listen(channel, listener),
		async close() {
			await database.close();
			await server.stop();
		},
	};
}
