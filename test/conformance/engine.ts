import {owner, bootstrap} from '../../source/hub/schema/bootstrap.ts';
import {type Database} from '../../source/hub/database/database.ts';
import {createRest} from '../../source/hub/rest/rest.ts';
import {startServer} from '../../source/hub/process/server.ts';
import {openInMemory} from '../helpers/prepared.ts';
import {openPostgresDatabase} from '../hub/rest/postgres-database.ts';
import {jwtSecret} from './caller.ts';
import {fixtureRows, fixtureSchema} from './fixture.ts';

/** A server that answers `/rest/v1` over the fixture. */
export interface Engine {
	readonly name: string;
	/** `http://127.0.0.1:port` */
	readonly url: string;
	/** Puts the fixture's rows back as they were. */
	reset(): Promise<void>;
	close(): Promise<void>;
}

export const engines = {
	pglite: () => startHub('hub on PGlite', openInMemory),
	postgres: () => startHub('hub on PostgreSQL', openPostgresDatabase),
};

/** The hub's own server and REST room, over its own bootstrap. */
async function startHub(name: string, open: () => Promise<Database>): Promise<Engine> {
	const database = await open();
	await bootstrap(database);
	await database.script(owner, fixtureSchema);
	await database.script(owner, `${fixtureRows} analyze;`);
	const {handle} = createRest(database);
	const server = await startServer(
		{
			jwtSecret,
			routes: [{prefix: '/rest/v1', handle}],
			upgrade: (_, socket) => socket.destroy(),
			health: () => ({}),
			log: text => console.error(`${name}: ${text}`),
		},
		0,
	);
	return {
		name,
		url: `http://127.0.0.1:${server.port}`,
		reset: async () => {
			await database.script(owner, fixtureRows);
		},
		close: async () => {
			await server.close();
			await database.close();
		},
	};
}
