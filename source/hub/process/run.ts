import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {withAgentRoles} from '../management/agent-sql.ts';
import {verifyCaller} from '../tokens/caller.ts';
import {openDatabase} from '../pglite/data-directory.ts';
import {owner} from '../schema/bootstrap.ts';
import type {FairDatabase} from '../database/fair-database.ts';
import {createCancel} from '../management/cancel.ts';
import {createCopies} from './copies.ts';
import {Dismissal} from './dismissal.ts';
import {choiceFile, rememberDatabase, rememberedDatabase} from './database-choice.ts';
import {Admission} from '../http/admission.ts';
import {HubError} from '../files/error.ts';
import {hubLock, hubProcess} from './find.ts';
import {checkHome} from '../home/check.ts';
import {DiskSpace, full} from '../home/disk-space.ts';
import {HeldHome} from '../home/held-home.ts';
import type {Caller, Handler, HubRequest} from '../http/http.ts';
import {UnderWay} from '../http/under-way.ts';
import {createKeyRotation, KeyRing} from '../tokens/key-ring.ts';
import {keysFile} from '../tokens/keys.ts';
import {resumeLeases} from '../upkeep/leases.ts';
import {takeLock, type Lock} from '../files/lock.ts';
import {knownHistory, type KnownHistory} from '../upkeep/known-history.ts';
import type {Log} from '../files/log.ts';
import type {Trace} from '../files/trace.ts';
import {createManagement} from '../management/management.ts';
import {newestMigration} from '../schema/newest-migration.ts';
import {divideOpenFiles} from '../files/open-files.ts';
import type {Result, Scope, Statement} from '../database/database.ts';
import type {OpenedDatabase} from '../database/opened-database.ts';
import type {HubPaths} from '../files/paths.ts';
import {describeDatabase, embedded} from '../database/postgres-url.ts';
import {newProofKey} from '../local/proof.ts';
import {makePrivateFolder, writePrivateFile} from '../files/private-file.ts';
import {readOwnFile} from '../files/whole-file.ts';
import {createRealtime, type Realtime} from '../realtime/realtime.ts';
import {createRest} from '../rest/rest.ts';
import {startSealing} from '../upkeep/sealing.ts';
import {startServer, type HubServer, type HubServerOptions} from './server.ts';
import {renewalGrace} from '../tokens/claims.ts';
import {endedResponse, EndedTokens} from '../tokens/ended.ts';
import {createTokens} from '../tokens/endpoint.ts';
import {PublishedState, type HubState} from '../home/state-file.ts';
import {version} from '../files/version.ts';

export interface RunOptions {
	/** The port; 0 for any free one. By default, that of the last run. */
	readonly port?: number;
	/** The URL of a PostgreSQL, or `embedded`. By default, the database that was served last. */
	readonly databaseUrl?: string;
	/** Milliseconds that the owner's statements may run; default two minutes. */
	readonly statementTimeout?: number;
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
	/** Closes the connections, shuts the database down and releases the lock. */
	close(): Promise<void>;
}

/** Runs the hub in this process until it is closed. Rejects with HubError, and then writes the error to state/hub.json. */
export async function runHub(paths: HubPaths, options: RunOptions): Promise<Hub> {
	for (const folder of [paths.data, paths.state, paths.logs]) makePrivateFolder(folder);
	for (const sentence of checkHome(paths)) options.log(sentence);
	const lock = await takeHubLock(paths);
	if (lock === null) throw alreadyRunning(paths);
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
	try {
		published = new PublishedState(paths, state, home, options.log);
		const databaseUrl = options.databaseUrl ?? rememberedDatabase(paths);
		published.change({database: describeDatabase(databaseUrl)});
		return await start(paths, {...options, databaseUrl}, published, {home, space, lock});
	} catch (error) {
		space.end();
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

/** Null if a hub holds it. A process that only checks the lock holds it for a moment, so this retries. */
async function takeHubLock(paths: HubPaths): Promise<Lock | null> {
	for (let tries = 0; ; tries += 1) {
		const lock = await takeLock(hubLock(paths), {sign: true});
		if (lock !== null || tries === 20 || hubProcess(paths) !== null) return lock;
		await sleep(50);
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
	const tell = (progress: string | null): void => {
		if (progress !== null) log(progress);
		state.change({progress});
	};
	let ended: EndedTokens | null = null;
	let known: KnownHistory | null = null;
	const catchUp = async (): Promise<void> => {
		await ended?.refresh();
		await known?.look();
	};
	const opened = await open(paths, {...options, catchUp, onDisplaced: () => home.displace(), space}, admission, tell);
	const {database, engine, startMaintenance} = opened;
	// Only now, so that no keys are created while a copy of the data, with its own keys, is still being put in place.
	const keys = new KeyRing(paths);
	home.adopt(keysFile(paths));
	// Before anybody claims a task: the time without a hub does not count for leases.
	await database.run(owner, [resumeLeases]);
	rememberDatabase(paths, options.databaseUrl);
	home.adopt(choiceFile(paths));
	state.change({engine});
	const port = options.port ?? rememberedPort(paths);
	const copies = createCopies(opened, paths.data);
	ended = new EndedTokens(database, paths);
	known = knownHistory(database, state.current.database, paths.state, {
		log,
		mayWrite: () => home.isInPlace() && !space.isFull,
	});
	await known.look();
	const serving = await serve(database, keys, ended, admission, {
		log,
		trace: options.trace,
		port,
		paths,
		state,
		home,
		copies: copies.handle,
		maxConnections: openFiles.connections,
		runaways: opened.runaways ?? (() => []),
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
		async close() {
			if (!home.isInPlace()) return;
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
			state.remove();
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

async function open(
	paths: HubPaths,
	{
		databaseUrl,
		statementTimeout,
		log,
		onLost,
		onDisplaced,
		space,
		catchUp,
	}: Pick<RunOptions, 'log' | 'onLost' | 'statementTimeout'> & {
		readonly databaseUrl: string;
		readonly onDisplaced: () => void;
		readonly space: DiskSpace;
		readonly catchUp: () => Promise<void>;
	},
	admission: Admission,
	tell: (progress: string | null) => void,
): Promise<OpenedDatabase> {
	if (databaseUrl === embedded) {
		return openDatabase(paths, {
			log,
			statementTimeout,
			onProgress: tell,
			onDisplaced,
			space,
			onLost(error) {
				log(`The database stopped: ${error.message}`);
				onLost(error);
			},
		});
	}
	tell(`Opening the PostgreSQL ${describeDatabase(databaseUrl)}.`);
	let turns = 0;
	const {openPostgres} = await import('../postgres/open.ts');
	return openPostgres(databaseUrl, {
		log,
		...(statementTimeout === undefined ? {} : {timeout: statementTimeout}),
		onListening(reason) {
			// Notifications during the gap are lost, so all clients are disconnected; they catch up when they reconnect.
			const turn = ++turns;
			// Notifications about ended tokens may be lost as well.
			if (reason === null) void catchUp().then(() => turn === turns && admission.open());
			else admission.shut();
			if (reason === null) log('The database answers again.');
			tell(reason === null ? null : `The database does not answer (${reason}); trying again.`);
		},
	});
}

async function serve(
	database: FairDatabase,
	keys: KeyRing,
	ended: EndedTokens,
	admission: Admission,
	{
		log,
		trace,
		port,
		paths,
		state,
		home,
		copies,
		maxConnections,
		runaways,
	}: {
		readonly log: Log;
		readonly trace: Trace | undefined;
		readonly port: number;
		readonly paths: HubPaths;
		readonly state: PublishedState;
		readonly home: HeldHome;
		readonly copies: Handler;
		readonly maxConnections: number;
		readonly runaways: NonNullable<OpenedDatabase['runaways']>;
	},
): Promise<HubServer> {
	const {pid, version, started_at, proof_key} = state.current;
	const realtime = await createRealtime({
		database,
		verify: token => {
			const caller = verifyCaller(keys.jwt_secret, token);
			const end = 'fault' in caller ? null : ended.find(caller);
			return end === null ? caller : {fault: end};
		},
		onError: error => log(`Realtime failed: ${error instanceof Error ? error.message : String(error)}`),
	});
	const underWay = new UnderWay();
	const dismissal = new Dismissal(database, underWay, log);
	const onRotated = async (request: HubRequest): Promise<void> => {
		home.adopt(keysFile(paths));
		admission.dismiss();
		await dismissal.dismiss(() => true, request);
	};
	const hasEnded = (caller: Caller): boolean => ended.find(caller) !== null;
	ended.onMore = () => {
		realtime.recheck();
		dismissal.cancel(hasEnded);
	};
	ended.onHeeded = request => dismissal.dismiss(hasEnded, request);
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
			routes: routesOf(database, keys, ended, realtime, {onRotated, copies}),
			underWay,
			upgrade(request, socket, head, countAs) {
				if (admission.admit(socket)) realtime.upgrade(request, socket, head, countAs);
			},
			health: () => ({status: 'ok', pid, version, started_at, running: database.activity(), runaways: runaways()}),
			local: {state: paths.state, proofKey: proof_key, onSocket: socket => state.change({socket})},
			isInPlace: () => home.isInPlace(),
			maxConnections,
			log,
			trace,
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

function routesOf(
	database: FairDatabase,
	keys: KeyRing,
	ended: EndedTokens,
	realtime: Realtime,
	{onRotated, copies}: {readonly onRotated: (request: HubRequest) => Promise<void>; readonly copies: Handler},
): HubServerOptions['routes'] {
	const forAgents = withAgentRoles(database);
	const answersRevoke = ({path}: HubRequest): boolean => path === '/rpc/agent_revoke';
	const endsToken = ({method}: HubRequest): boolean => method === 'DELETE';
	return [
		{prefix: '/rest/v1', handle: ended.heeded(createRest(forAgents).handle, answersRevoke)},
		{prefix: '/realtime/v1', handle: realtime.handle},
		{prefix: '/v1/projects', handle: createManagement(forAgents).handle},
		{
			prefix: '/agentmux/v1/tokens',
			handle: ended.heeded(createTokens(database, keys).handle, endsToken),
			leeway: renewalGrace,
			givesTokens: true,
		},
		{prefix: '/agentmux/v1/keys', handle: createKeyRotation(keys, onRotated).handle},
		{prefix: '/agentmux/v1/cancel', handle: createCancel(database).handle},
		{prefix: '/agentmux/v1', handle: copies},
	];
}

/** The port of the last run, so that the address in agents' files stays valid; 0 before the first run. */
function rememberedPort(paths: HubPaths): number {
	try {
		const port = Number(readOwnFile(portFile(paths)));
		return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
	} catch {
		return 0;
	}
}

function rememberPort(paths: HubPaths, port: number, log: Log): void {
	try {
		writePrivateFile(portFile(paths), `${port}\n`);
	} catch (error) {
		log((error as Error).message);
	}
}

function portFile(paths: HubPaths): string {
	return join(paths.data, 'port');
}

function alreadyRunning(paths: HubPaths): HubError {
	const pid = hubProcess(paths);
	const who = pid === null ? 'Another process' : `Another hub (process ${pid})`;
	return new HubError(`${who} is using ${paths.data}.`, 'Use that one, or stop it with `agentmux hub stop`.');
}
