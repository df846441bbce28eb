import {rmSync} from 'node:fs';
import {findHub, type RunningHub} from '../../source/hub/process/find.ts';
import {stopHub} from '../../source/hub/process/ensure.ts';
import {placesIn, startTestHub, temporaryHome, type TestHub, type TestHubOptions} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {startedBefore} from '../helpers/prepared.ts';
import {cli} from '../helpers/program.ts';
import type {Fault} from './faults.ts';

export type Engine = 'pglite' | 'postgres';

/** Starts the built hub of one home: on the same database each time, with more for its environment, or another program. */
export type Start = (env?: NodeJS.ProcessEnv, options?: Pick<TestHubOptions, 'cli' | 'within'>) => Promise<TestHub>;

/**
 * A home for the time of `work`, whose hub runs on that engine; with a database already, unless it is to be `empty`. Whatever
 * happens, nothing of it is left.
 */
export async function onEngine<T>(
	engine: Engine,
	work: (start: Start, home: string) => Promise<T>,
	{empty = false} = {},
): Promise<T> {
	const home = temporaryHome();
	if (engine === 'pglite' && !empty) await startedBefore(home);
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

/** How often a fault of both engines is tried: in the short run on PGlite only, where the rules are the same SQL. */
export function often(engine: Engine, short: number, long: number): Pick<Fault, 'long' | 'trials' | 'longTrials'> {
	return engine === 'pglite' ? {trials: short, longTrials: long} : {long: true, trials: long};
}

/** How its user's own programs reach that hub. */
export async function addressOf({paths}: TestHub): Promise<RunningHub> {
	const found = await findHub(paths);
	if (found === null) throw new Error('The hub does not answer.');
	return found;
}
