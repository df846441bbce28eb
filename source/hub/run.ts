import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {verifyCaller} from './caller.ts';
import {openDatabase} from './data-directory.ts';
import type {FairDatabase} from './fair-database.ts';
import {createCopies} from './copies.ts';
import {rememberDatabase, rememberedDatabase} from './database-choice.ts';
import {Door} from './admission/door.ts';
import {HubError} from './error.ts';
import {checkHome} from './home/check.ts';
import type {Caller, Handler} from './http.ts';
import {createKeyRotation, KeyRing} from './key-ring.ts';
import {takeLock, type Lock} from './lock.ts';
import type {Log} from './log.ts';
import {createManagement} from './management.ts';
import {newestMigration} from './newest-migration.ts';
import {divideOpenFiles} from './open-files.ts';
import type {OpenedDatabase} from './opened-database.ts';
import type {HubPlaces} from './places.ts';
import {describeDatabase, embedded} from './postgres-url.ts';
import {newProofKey} from './local/proof.ts';
import {makePrivateFolder, writePrivateFile} from './private-file.ts';
import {createRealtime} from './realtime/realtime.ts';
import {createRest} from './rest/rest.ts';
import {startSealing} from './seal/sealing.ts';
import {startServer, type HubServer} from './server.ts';
import {renewalGrace} from './tokens/claims.ts';
import {endedResponse, EndedTokens} from './tokens/ended.ts';
import {createTokens} from './tokens/endpoint.ts';
import {readState, removeState, writeState, type HubState} from './state-file.ts';
import {version} from './version.ts';

export interface RunOptions {
	/** Instead of the port remembered from the last run; 0 for any that is free. */
	readonly port?: number;
	/** The URL of a PostgreSQL, or `embedded`; without it, the database that was served last. */
	readonly databaseUrl?: string;
	/** Milliseconds that a statement of the owner may run; two minutes when absent. */
	readonly statementTimeout?: number;
	readonly log: Log;
	/** The database died under it and cannot be opened again; the hub is of no more use. */
	readonly onLost: (error: Error) => void;
}

export interface Hub {
	readonly url: string;
	/** Ends connections, shuts the database down and releases the lock. */
	close(): Promise<void>;
}

/** Runs the hub in this process until it is closed. Rejects with HubError, which state/hub.json then says as well. */
export async function runHub(places: HubPlaces, options: RunOptions): Promise<Hub> {
	for (const folder of [places.data, places.state, places.logs]) makePrivateFolder(folder);
	for (const sentence of checkHome(places)) options.log(sentence);
	const lock = await takeLock(join(places.data, 'hub.lock'));
	if (lock === null) throw alreadyRunning(places);
	let state: HubState = {
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
		failure: null,
	};
	try {
		const databaseUrl = options.databaseUrl ?? rememberedDatabase(places);
		state = {...state, database: describeDatabase(databaseUrl)};
		writeState(places, state);
		return await start(places, {...options, databaseUrl}, state, lock);
	} catch (error) {
		lock.release();
		const failure =
			error instanceof HubError
				? error
				: new HubError(`The hub failed to start: ${(error as Error).message}.`, 'See `agentmux hub logs`.', {
						cause: error,
					});
		writeState(places, {...state, progress: null, failure: [failure.message, failure.remedy]});
		throw failure;
	}
}

async function start(
	places: HubPlaces,
	options: RunOptions & {readonly databaseUrl: string},
	starting: HubState,
	lock: Lock,
): Promise<Hub> {
	const {log} = options;
	const openFiles = divideOpenFiles();
	if (openFiles.remark !== null) log(openFiles.remark);
	const keys = new KeyRing(places);
	const door = new Door();
	let state = starting;
	const tell = (progress: string | null): void => {
		if (progress !== null) log(progress);
		state = {...state, progress};
		writeState(places, state);
	};
	let ended: EndedTokens | null = null;
	const opened = await open(places, {...options, catchUp: async () => ended?.refresh()}, door, tell);
	const {database, engine, startMaintenance} = opened;
	rememberDatabase(places, options.databaseUrl);
	state = {...state, engine};
	const port = options.port ?? rememberedPort(places);
	const copies = createCopies(opened, places.data);
	ended = new EndedTokens(database, places);
	const onSocket = (socket: string | null): void => {
		state = {...state, socket};
		try {
			writeState(places, state);
		} catch (error) {
			log(`Its state cannot be written: ${(error as Error).message}`);
		}
	};
	const serving = await serve(database, keys, ended, door, {
		log,
		port,
		places,
		state,
		copies: copies.handle,
		maxConnections: openFiles.connections,
		onSocket,
	}).catch(async (error: unknown) => {
		await database.close();
		throw error;
	});
	const url = `http://127.0.0.1:${serving.port}`;
	if (serving.port !== rememberedPort(places)) writePrivateFile(portFile(places), `${serving.port}\n`);
	const endMaintenance = startMaintenance();
	const sealing = startSealing(database, state.database, places.data, log);
	state = {...state, url, socket: serving.socket};
	if (serving.socket === null) log('No socket could be made; programs of this user prove the hub by a challenge.');
	tell(null);
	log(`Hub ${version} answers at ${url}.`);
	return {
		url,
		async close() {
			endMaintenance();
			try {
				await serving.close();
				await sealing.end();
				await database.close();
			} catch (error) {
				// A database that died under it can be neither unsubscribed from nor closed.
				log(`Hub did not end cleanly: ${error instanceof Error ? error.message : String(error)}`);
			}
			removeState(places);
			lock.release();
			log('Hub ended.');
		},
	};
}

async function open(
	places: HubPlaces,
	{
		databaseUrl,
		statementTimeout,
		log,
		onLost,
		catchUp,
	}: RunOptions & {readonly databaseUrl: string; readonly catchUp: () => Promise<void>},
	door: Door,
	tell: (progress: string | null) => void,
): Promise<OpenedDatabase> {
	if (databaseUrl === embedded) {
		return openDatabase(places, {
			log,
			statementTimeout,
			onProgress: tell,
			onLost(error) {
				log(`The database stopped: ${error.message}`);
				onLost(error);
			},
		});
	}
	tell(`Opening the PostgreSQL ${describeDatabase(databaseUrl)}.`);
	let turns = 0;
	const {openPostgres} = await import('./postgres-open.ts');
	return openPostgres(databaseUrl, {
		log,
		...(statementTimeout === undefined ? {} : {timeout: statementTimeout}),
		onListening(reason) {
			// What it announces meanwhile is lost: nobody stays live over the gap, and whoever comes back catches up.
			const turn = ++turns;
			// Which tokens have ended was announced meanwhile, too.
			if (reason === null) void catchUp().then(() => turn === turns && door.open());
			else door.shut();
			if (reason === null) log('The database answers again.');
			try {
				tell(reason === null ? null : `The database does not answer (${reason}); trying again.`);
			} catch (error) {
				// A full disk must not stop the hub over what `hub status` says.
				log(`Its state cannot be written: ${(error as Error).message}`);
			}
		},
	});
}

async function serve(
	database: FairDatabase,
	keys: KeyRing,
	ended: EndedTokens,
	door: Door,
	{
		log,
		port,
		places,
		state,
		copies,
		maxConnections,
		onSocket,
	}: {
		readonly log: Log;
		readonly port: number;
		readonly places: HubPlaces;
		readonly state: HubState;
		readonly copies: Handler;
		readonly maxConnections: number;
		readonly onSocket: (path: string | null) => void;
	},
): Promise<HubServer> {
	const realtime = await createRealtime({
		database,
		verify: token => {
			const caller = verifyCaller(keys.jwt_secret, token);
			const end = 'fault' in caller ? null : ended.find(caller);
			return end === null ? caller : {fault: end};
		},
		onFault: error => log(`Realtime failed: ${error instanceof Error ? error.message : String(error)}`),
	});
	ended.onMore = () => realtime.recheck();
	const unfollow = await ended.follow();
	const server = await startServer(
		{
			get jwtSecret() {
				return keys.jwt_secret;
			},
			async refuse(caller: Caller) {
				const end = await ended.findNow(caller);
				return end === null ? null : endedResponse(end);
			},
			routes: [
				{prefix: '/rest/v1', handle: createRest(database).handle},
				{prefix: '/realtime/v1', handle: realtime.handle},
				{prefix: '/v1/projects', handle: createManagement(database).handle},
				{prefix: '/agentmux/v1/tokens', handle: createTokens(database, keys).handle, leeway: renewalGrace},
				{prefix: '/agentmux/v1/keys', handle: createKeyRotation(keys, () => door.dismiss()).handle},
				{prefix: '/agentmux/v1', handle: copies},
			],
			upgrade(request, socket, head, countAs) {
				if (door.admit(socket)) realtime.upgrade(request, socket, head, countAs);
			},
			health: () => ({
				status: 'ok',
				pid: state.pid,
				version: state.version,
				started_at: state.started_at,
				running: database.activity(),
			}),
			local: {state: places.state, proofKey: state.proof_key, onSocket},
			maxConnections,
			log,
		},
		port,
	);
	return {
		port: server.port,
		socket: server.socket,
		async close() {
			await unfollow();
			await realtime.close();
			await server.close();
		},
	};
}

/** The port of the last run, so that what agents were told stays true; 0 before the first. */
function rememberedPort(places: HubPlaces): number {
	const path = portFile(places);
	const port = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
	return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

function portFile(places: HubPlaces): string {
	return join(places.data, 'port');
}

function alreadyRunning(places: HubPlaces): HubError {
	const pid = readState(places)?.pid;
	const who = pid === undefined ? 'Another process' : `Another hub (process ${pid})`;
	return new HubError(`${who} holds ${places.data}.`, 'Use it, or end it with `agentmux hub stop`.');
}
