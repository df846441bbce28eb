import {rmSync} from 'node:fs';
import {findHub, type RunningHub} from '../../source/hub/process/find.ts';
import {stopHub} from '../../source/hub/process/ensure.ts';
import {placesIn, startTestHub, temporaryHome, type TestHub, type TestHubOptions} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';

export type Engine = 'pglite' | 'postgres';

/** Starts the built hub of one home: on the same database each time, with more for its environment, or another program. */
export type Start = (env?: NodeJS.ProcessEnv, options?: Pick<TestHubOptions, 'cli' | 'within'>) => Promise<TestHub>;

/** A home for the time of `work`, whose hub runs on that engine. Whatever happens, nothing of it is left. */
export async function onEngine<T>(engine: Engine, work: (start: Start, home: string) => Promise<T>): Promise<T> {
	const home = temporaryHome();
	const server = engine === 'postgres' ? await startPostgres() : null;
	const database = server === null ? {} : {AGENTMUX_DATABASE_URL: server.connectionString};
	try {
		return await work(
			(env = {}, options = {}) => startTestHub({home, cli, ...options, env: {...database, ...env}}),
			home,
		);
	} finally {
		await stopHub(placesIn(home)).catch(() => null);
		await server?.stop();
		rmSync(home, {recursive: true, force: true, maxRetries: 5});
	}
}

/** How its user's own programs reach that hub. */
export async function addressOf({paths}: TestHub): Promise<RunningHub> {
	const found = await findHub(paths);
	if (found === null) throw new Error('The hub does not answer.');
	return found;
}
