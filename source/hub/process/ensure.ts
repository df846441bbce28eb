import {spawn, type ChildProcess} from 'node:child_process';
import {closeSync, existsSync, openSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {HubError} from '../files/error.ts';
import {freeBytes} from '../home/disk-space.ts';
import {findHub, hubLock, hubProcess, isAlive, type RunningHub} from './find.ts';
import {takeLock, type Lock} from '../files/lock.ts';
import {appendOnly, logFile} from '../files/log.ts';
import {fromSource, packageRoot} from '../files/package-root.ts';
import {newestMigration} from '../schema/newest-migration.ts';
import type {HubPaths} from '../files/paths.ts';
import {describeDatabase, embedded} from '../database/postgres-url.ts';
import {fileError, makePrivateFolder} from '../files/private-file.ts';
import {readState, stateFault, stateFile} from '../home/state-file.ts';

export interface EnsureOptions {
	/** The database that it is to serve: a URL, or `embedded`. Without it, the one that it served last. */
	readonly databaseUrl?: string | undefined;
	/** What the hub is doing, while it starts; each sentence once. */
	readonly onProgress?: (sentence: string) => void;
}

/** A first start without the build's template runs initdb, on a machine that may be busy with everything else. */
const timeout = 120_000;
const pollEvery = 40;
/** Milliseconds that a hub may hold the lock without answering where it says that it does. */
const silence = 15_000;
/** Milliseconds within which a running hub rewrites its state file after it was removed or damaged. */
const rewriting = 4000;

/**
 * The hub that runs, or one started now, in a process that outlives this one and its terminal. However many ask at once,
 * one starts it: whoever holds state/start.lock. Rejects with HubError.
 */
export async function ensureHub(paths: HubPaths, {databaseUrl, onProgress}: EnsureOptions = {}): Promise<RunningHub> {
	await endUnproven(paths, onProgress);
	const running = await findHub(paths);
	if (running !== null) checkDatabase(running, databaseUrl);
	if (running !== null && running.schema >= newestMigration()) return running;
	for (const folder of [paths.data, paths.state, paths.logs]) makePrivateFolder(folder);
	const tell = once(onProgress ?? (() => undefined));
	const deadline = Date.now() + timeout;
	let lock: Lock | null = null;
	let child: ChildProcess | null = null;
	let lastSign = Date.now();
	try {
		while (Date.now() < deadline) {
			refuseFault(paths);
			const hub = await findHub(paths);
			// Another program may have started it meanwhile, with the database that was served last.
			if (hub !== null) checkDatabase(hub, databaseUrl);
			if (hub !== null && hub.schema >= newestMigration()) return hub;
			lock ??= await takeLock(join(paths.state, 'start.lock'));
			if (hub !== null) {
				lastSign = Date.now();
				// Under the lock, and as often as it takes: a screen of the older agentmux that sees its hub end starts another one.
				if (lock !== null) await replace(paths, hub, onProgress);
				else await sleep(pollEvery);
				child = null;
				continue;
			}
			// Somebody who runs `agentmux hub run` by hand may be on the way already.
			if (lock !== null && child === null && !(await isHeld(paths))) child = startHub(paths, databaseUrl);
			if (isStarting(paths)) lastSign = Date.now();
			if (Date.now() - lastSign > (readState(paths) === null ? rewriting : silence)) {
				const fault = await silentHub(paths);
				if (fault !== null) throw fault;
				lastSign = Date.now();
			}
			if (child !== null && (child.exitCode !== null || child.signalCode !== null)) {
				if (!(await isHeld(paths))) throw failureOf(paths, child);
				child = null;
			}
			tellProgress(paths, tell);
			await sleep(pollEvery);
		}
	} finally {
		lock?.release();
	}
	throw new HubError('The hub did not answer in two minutes.', 'See `agentmux hub logs`.');
}

/** Its clients come back by themselves, to the same address. */
async function replace(paths: HubPaths, {pid}: RunningHub, onProgress: EnsureOptions['onProgress']): Promise<void> {
	onProgress?.(`Replacing the hub of an older agentmux (process ${pid}).`);
	await stopHub(paths, pid);
}

/** The hub that runs. Rejects with HubError where none does, or it cannot be used. */
export async function runningHub(paths: HubPaths): Promise<RunningHub> {
	const deadline = Date.now() + rewriting;
	for (;;) {
		refuseFault(paths);
		const hub = await findHub(paths);
		if (hub !== null) return hub;
		const fault = await silentHub(paths);
		if (fault === null) throw new HubError('No hub is running.', 'Start it with `agentmux hub start`.');
		if (Date.now() > deadline) throw fault;
		await sleep(pollEvery);
	}
}

/** Throws where no hub could be found, however long one waits. */
function refuseFault(paths: HubPaths): void {
	const fault = stateFault(paths);
	if (fault !== null) throw fault;
}

/** Whether it says that it is on the way. */
function isStarting(paths: HubPaths): boolean {
	const state = readState(paths);
	return state !== null && state.failure === null && state.url === null && isAlive(state.pid);
}

/** What is wrong with a hub that runs and does not answer; null where none runs. */
async function silentHub(paths: HubPaths): Promise<HubError | null> {
	if (!(await isHeld(paths))) return null;
	const pid = hubProcess(paths);
	const state = readState(paths);
	const who = pid === null ? 'A hub' : `A hub (process ${pid})`;
	const why =
		state === null ? `${stateFile(paths)} does not say where it answers` : (state.progress ?? 'it does not answer');
	const end = pid === null ? 'End its process' : 'End it with `agentmux hub stop`';
	return new HubError(
		`${who} holds ${paths.data}, but cannot be used: ${why.replace(/\.$/, '')}.`,
		`See \`agentmux hub logs\`. ${end}; the next command starts another.`,
	);
}

/** Whether the last hub of these places was ended on purpose, and none runs since. */
export async function wasStopped(paths: HubPaths): Promise<boolean> {
	return !existsSync(stateFile(paths)) && !(await isHeld(paths));
}

/** The hub of an agentmux that could not prove itself: no token may go to it, and the lock says that it is ours. */
async function endUnproven(paths: HubPaths, onProgress: EnsureOptions['onProgress']): Promise<void> {
	const state = readState(paths);
	if (state === null || state.url === null || state.socket !== undefined || !isAlive(state.pid)) return;
	if (!(await isHeld(paths))) return;
	onProgress?.(`Replacing the hub of an older agentmux (process ${state.pid}).`);
	await stopHub(paths, state.pid);
}

/** Nobody is to write into another mailbox than the one that he named. */
/** Throws where it serves another database than the one that is asked for, if any is. */
function checkDatabase({pid, database}: RunningHub, databaseUrl: string | undefined): void {
	if (databaseUrl === undefined) return;
	const wanted = describeDatabase(databaseUrl);
	if (database === wanted) return;
	const name = (label: string): string => (label === embedded ? 'the embedded database' : label);
	throw new HubError(
		`The hub that runs (process ${pid}) serves ${name(database)}, and this asks for ${name(wanted)}.`,
		'End it with `agentmux hub stop` first.',
	);
}

/** Ends the hub of these places (with a pid: only that one) and resolves with its pid when it is gone; null when none runs. Rejects with HubError. */
export async function stopHub(paths: HubPaths, pid?: number): Promise<number | null> {
	if (!(await isHeld(paths))) return null;
	const running = await holder(paths);
	if (running === null || (pid !== undefined && running !== pid)) return null;
	try {
		process.kill(running, 'SIGTERM');
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code !== 'ESRCH') throw fileError(`The hub (process ${running}) cannot be told to end`, error);
	}
	const deadline = Date.now() + 20_000;
	while (Date.now() < deadline) {
		// Not when the lock is free: to the end of its process it may write into its cache.
		if (!isAlive(running)) return running;
		await sleep(pollEvery);
	}
	throw new HubError(
		`The hub (process ${running}) does not end.`,
		`See \`agentmux hub logs\`; \`kill -9 ${running}\` loses nothing that was acknowledged.`,
	);
}

/** The process of the hub that holds the lock; null when it has ended meanwhile. Rejects with HubError when nothing names it. */
async function holder(paths: HubPaths): Promise<number | null> {
	const deadline = Date.now() + silence;
	while (Date.now() < deadline) {
		const pid = hubProcess(paths);
		if (pid !== null) return pid;
		if (!(await isHeld(paths))) return null;
		await sleep(pollEvery);
	}
	throw new HubError(
		`A hub holds ${paths.data}, and neither its lock nor ${stateFile(paths)} says which process that is.`,
		'End it by hand.',
	);
}

/** Whether some process runs a hub on this data. */
async function isHeld(paths: HubPaths): Promise<boolean> {
	if (!existsSync(hubLock(paths))) return false;
	const lock = await takeLock(hubLock(paths));
	lock?.release();
	return lock === null;
}

function startHub(paths: HubPaths, databaseUrl = ''): ChildProcess {
	const cli = fromSource ? join(packageRoot, 'source', 'cli.ts') : join(packageRoot, 'dist', 'cli.js');
	const path = logFile(paths);
	let log: number;
	try {
		log = openSync(path, appendOnly, 0o600);
	} catch (error) {
		throw fileError(`The hub's log ${path} cannot be written`, error);
	}
	try {
		const folders = ['--data', paths.data, '--state', paths.state, '--logs', paths.logs];
		const child = spawn(process.execPath, [cli, 'hub', 'run', ...folders], {
			detached: true,
			// Not the starter's folder, which somebody may want to remove while the hub runs.
			cwd: paths.data,
			// Arguments can be read by everyone on this machine, and the URL may hold a password.
			env: {...process.env, AGENTMUX_DATABASE_URL: databaseUrl},
			stdio: ['ignore', log, log],
		});
		// Without a listener it would be thrown; the exit code that is then missing says it as well.
		child.on('error', () => undefined);
		child.unref();
		return child;
	} finally {
		closeSync(log);
	}
}

function failureOf(paths: HubPaths, child: ChildProcess): HubError {
	const state = readState(paths);
	if (state?.pid === child.pid && state?.failure) return new HubError(...state.failure);
	if (freeBytes(paths.state) < 65_536) {
		return new HubError(`The hub cannot start: the disk that holds ${paths.state} is full.`, 'Free some space on it.');
	}
	const how = child.signalCode === null ? `with exit code ${child.exitCode}` : `by ${child.signalCode}`;
	return new HubError(`The hub ended ${how} before it answered.`, 'See `agentmux hub logs`.');
}

function tellProgress(paths: HubPaths, tell: (sentence: string) => void): void {
	const state = readState(paths);
	if (state?.progress && isAlive(state.pid)) tell(state.progress);
}

function once(tell: (sentence: string) => void): (sentence: string) => void {
	let last = '';
	return sentence => {
		if (sentence === last) return;
		last = sentence;
		tell(sentence);
	};
}
