import {owner} from '../schema/bootstrap.ts';
import {newestMigration} from '../schema/newest-migration.ts';
import {describeDatabase, embedded} from '../database/postgres-url.ts';
import {HubError} from '../files/error.ts';
import type {Lock} from '../files/lock.ts';
import type {Log} from '../files/log.ts';
import {divideOpenFiles} from '../files/open-files.ts';
import type {HubPaths} from '../files/paths.ts';
import {makePrivateFolder} from '../files/private-file.ts';
import type {Trace} from '../files/trace.ts';
import {version} from '../files/version.ts';
import {checkHome} from '../home/check.ts';
import {DiskSpace, full} from '../home/disk-space.ts';
import {HeldHome} from '../home/held-home.ts';
import type {Result, Scope, Statement} from '../database/database.ts';
import {PublishedState, type HubState} from '../home/state-file.ts';
import type {WaitingThread} from '../pglite/database-thread.ts';
import {Admission} from '../http/admission.ts';
import {newProofKey} from '../local/proof.ts';
import {EndedTokens} from '../tokens/ended.ts';
import {KeyRing} from '../tokens/key-ring.ts';
import {keysFile} from '../tokens/keys.ts';
import {knownHistory, type KnownHistory} from '../upkeep/known-history.ts';
import {resumeLeases} from '../upkeep/leases.ts';
import {startSealing} from '../upkeep/sealing.ts';
import {choiceFile, rememberDatabase, rememberedDatabase} from './database-choice.ts';
import {takeHubLock} from './hub-lock.ts';
import {openDatabase} from './open-database.ts';
import {portFile, rememberedPort, rememberPort} from './port-file.ts';
import {serve} from './serve.ts';
import {StartProgress} from './start-progress.ts';

export interface RunOptions {
	/** The port; 0 for any free one. By default, that of the last run. */
	readonly port?: number;
	/** The URL of a PostgreSQL, or `embedded`. By default, the database that was served last. */
	readonly databaseUrl?: string;
	/** Milliseconds that the owner's statements may run; default two minutes. */
	readonly statementTimeout?: number;
	/** A thread for the embedded database that was started before; by default, one is started when it is needed. */
	readonly thread?: WaitingThread | undefined;
	/** Aborted to stop the hub before it has started: a migration is cancelled, and the next start applies it. */
	readonly signal?: AbortSignal | undefined;
	readonly log: Log;
	/** Called with a line for each request. */
	readonly trace?: Trace | undefined;
	/** Called when the database has died and cannot be reopened; the hub is unusable then. */
	readonly onLost: (error: Error) => void;
	/**
	 * Called when the data folder was moved, removed or replaced, so that its path may now be another hub's. The process must exit
	 * immediately, and must neither close the hub nor write anything.
	 */
	readonly onDisplaced: (error: HubError) => void;
}

export interface Hub {
	readonly url: string;
	/** Runs a statement in the database that it serves: as the owner, or as the service role that acts as a tag. */
	run(statement: Statement, tag?: string): Promise<Result['rows']>;
	/**
	 * Closes the connections, shuts the database down and releases the lock. `isLost`: because the database has died, so that whoever was
	 * connected starts another hub, as after a crash.
	 */
	close(how?: {readonly isLost?: boolean}): Promise<void>;
}

/** Runs the hub in this process until it is closed. Rejects with HubError, and then writes the error to state/hub.json. */
export async function runHub(paths: HubPaths, options: RunOptions): Promise<Hub> {
	for (const folder of [paths.data, paths.state, paths.logs]) makePrivateFolder(folder);
	for (const sentence of checkHome(paths)) options.log(sentence);
	const lock = await takeHubLock(paths);
	const home = new HeldHome({
		lock,
		folders: [paths.state, paths.logs],
		log: options.log,
		onDisplaced: () => options.onDisplaced(displaced(paths)),
	});
	const state: HubState = {
		pid: process.pid,
		version,
		schema: newestMigration(),
		started_at: new Date().toISOString(),
		engine: '',
		database: embedded,
		url: null,
		socket: null,
		proof_key: newProofKey(),
		progress: 'Starting.',
		stopping: false,
		failure: null,
	};
	let published: PublishedState | null = null;
	// Before anything is written.
	const space = new DiskSpace(paths.data, {
		log: options.log,
		onChange: sentence => {
			if (published !== null && published.current.url !== null) published.change({progress: sentence});
		},
	});
	// Tells clients that lost it not to start another.
	const stop = (): void => published?.change({stopping: true});
	try {
		published = new PublishedState(paths, state, home, options.log);
		options.signal?.addEventListener('abort', stop, {once: true});
		const databaseUrl = options.databaseUrl ?? rememberedDatabase(paths);
		published.change({database: describeDatabase(databaseUrl)});
		const hub = await start(paths, {...options, databaseUrl}, published, {home, space, lock});
		options.signal?.removeEventListener('abort', stop);
		return hub;
	} catch (error) {
		space.end();
		options.signal?.removeEventListener('abort', stop);
		const failure =
			error instanceof HubError
				? error
				: new HubError(`The hub failed to start: ${(error as Error).message}.`, 'See `agentmux hub logs`.', {
						cause: error,
					});
		published?.change({progress: null, failure: [failure.message, failure.remedy]});
		home.end();
		lock.release();
		throw failure;
	}
}

function displaced({data}: HubPaths): HubError {
	return new HubError(
		`The hub (process ${process.pid}) has ended, because its data folder ${data} was moved, removed or replaced.`,
		'It wrote nothing to a folder that is there now. Everything it acknowledged is in the folder that was moved.',
	);
}

/** The resources of a hub. */
interface Holdings {
	readonly home: HeldHome;
	readonly space: DiskSpace;
	readonly lock: Lock;
}

async function start(
	paths: HubPaths,
	options: RunOptions & {readonly databaseUrl: string},
	state: PublishedState,
	{home, space, lock}: Holdings,
): Promise<Hub> {
	const {log} = options;
	const openFiles = divideOpenFiles();
	if (openFiles.remark !== null) log(openFiles.remark);
	const admission = new Admission();
	let ended: EndedTokens | null = null;
	let known: KnownHistory | null = null;
	const catchUp = async (): Promise<void> => {
		await ended?.refresh();
		await known?.look();
	};
	const progress = new StartProgress(log, sentence => state.change({progress: sentence}));
	const opened = await openDatabase(paths, {
		...options,
		space,
		admission,
		onProgress: sentence => progress.tell(sentence),
		catchUp,
		onDisplaced: () => home.displace(),
	}).finally(() => progress.end());
	const {database, engine, startMaintenance} = opened;
	// Only now, so that no keys are created while a copy of the data, with its own keys, is still being put in place.
	const keys = new KeyRing(paths);
	home.adopt(keysFile(paths));
	// Before anybody claims a task: the time without a hub does not count for leases.
	await database.run(owner, [resumeLeases]);
	rememberDatabase(paths, options.databaseUrl);
	home.adopt(choiceFile(paths));
	state.change({engine});
	ended = new EndedTokens(database, paths);
	known = knownHistory(database, state.current.database, paths.state, {
		log,
		mayWrite: () => home.isInPlace() && !space.isFull,
	});
	await known.look();
	const serving = await serve({
		paths,
		opened,
		keys,
		ended,
		admission,
		state,
		home,
		port: options.port ?? rememberedPort(paths),
		maxConnections: openFiles.connections,
		log,
		trace: options.trace,
	}).catch(async (error: unknown) => {
		await known?.end();
		await database.close();
		throw error;
	});
	const url = `http://127.0.0.1:${serving.port}`;
	if (serving.port !== rememberedPort(paths)) rememberPort(paths, serving.port, log);
	home.adopt(portFile(paths));
	const endMaintenance = startMaintenance();
	const sealing = startSealing(database, state.current.database, paths.data, log);
	if (serving.socket === null) log('Could not create a socket; programs of this user verify the hub by a challenge.');
	state.change({url, socket: serving.socket, progress: space.isFull ? full : null});
	log(`Hub ${version} is listening at ${url}.`);
	return {
		url,
		async run(statement, tag) {
			const [result] = await database.run(tag === undefined ? owner : actingAs(tag), [statement]);
			return result?.rows ?? [];
		},
		async close({isLost = false} = {}) {
			if (!home.isInPlace()) return;
			if (!isLost) state.change({stopping: true});
			endMaintenance();
			try {
				await serving.close();
				await sealing.end();
				await known?.end();
				await database.close();
			} catch (error) {
				// If the database has died, unsubscribing and closing it fail.
				log(`Hub did not end cleanly: ${error instanceof Error ? error.message : String(error)}`);
			}
			home.end();
			space.end();
			if (!isLost) state.remove();
			log('Hub ended.');
			// From here on, another process may remove the home.
			lock.release();
		},
	};
}

function actingAs(tag: string): Scope {
	const settings = {'request.headers': JSON.stringify({'x-agentmux-tag': tag})};
	return {role: 'service_role', claims: {role: 'service_role'}, settings, forRequest: false};
}
