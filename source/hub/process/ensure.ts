import type {ChildProcess} from 'node:child_process';
import {closeSync, existsSync, openSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {HubError} from '../files/error.ts';
import {freeBytes} from '../home/disk-space.ts';
import {findHub, hubLock, hubProcess, isAlive, type RunningHub} from './find.ts';
import {takeLock, type Lock} from '../files/lock.ts';
import {logFile} from '../files/log.ts';
import {fromSource, packageRoot} from '../files/package-root.ts';
import {newestMigration} from '../schema/newest-migration.ts';
import type {HubPaths} from '../files/paths.ts';
import {describeDatabase, embedded} from '../database/postgres-url.ts';
import {fileError, makePrivateFolder} from '../files/private-file.ts';
import {appendOnly} from '../files/whole-file.ts';
import {readState, stateFault, stateFile} from '../home/state-file.ts';

export interface EnsureOptions {
	/** The database to serve: a URL, or `embedded`. By default, the one that it served last. */
	readonly databaseUrl?: string | undefined;
	/** Called with sentences about the progress of the start, each once. */
	readonly onProgress?: (sentence: string) => void;
}

/** Milliseconds that a starting hub may show no progress; it does every ten seconds, whatever it is working on. */
const timeout = 120_000;
const pollEvery = 40;
/** Milliseconds that a hub may hold the lock without answering at its address. */
const silence = 15_000;
/** Milliseconds within which a running hub rewrites its state file after it was removed or damaged. */
const rewriting = 4000;

/**
 * The running hub, or a newly started one, in a process that outlives this one and its terminal. If several processes call this at the
 * same time, the one that holds state/start.lock starts it. Rejects with HubError.
 */
export async function ensureHub(paths: HubPaths, {databaseUrl, onProgress}: EnsureOptions = {}): Promise<RunningHub> {
	await endUnproven(paths, onProgress);
	const running = await findHub(paths);
	if (running !== null) checkDatabase(running, databaseUrl);
	if (running !== null && running.schema >= newestMigration()) return running;
	for (const folder of [paths.data, paths.state, paths.logs]) makePrivateFolder(folder);
	const tell = once(sentence => {
		deadline = Date.now() + timeout;
		onProgress?.(sentence);
	});
	let deadline = Date.now() + timeout;
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
				// Under the lock, and again if necessary: a running screen of the older agentmux would start its own hub again.
				if (lock !== null) await replace(paths, hub, onProgress);
				else await sleep(pollEvery);
				child = null;
				continue;
			}
			// The user may just have run `agentmux hub run`.
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
	throw new HubError('The hub has shown no progress for two minutes.', 'See `agentmux hub logs`.');
}

/** The hub's clients reconnect by themselves: the address stays the same. */
async function replace(paths: HubPaths, {pid}: RunningHub, onProgress: EnsureOptions['onProgress']): Promise<void> {
	onProgress?.(`Replacing the hub of an older agentmux (process ${pid}).`);
	await stopHub(paths, pid);
}

/** The running hub. Rejects with HubError if there is none, or if it cannot be used. */
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

/** Throws if waiting for a hub is pointless. */
function refuseFault(paths: HubPaths): void {
	const fault = stateFault(paths);
	if (fault !== null) throw fault;
}

/** Whether a hub has reported that it is starting. */
function isStarting(paths: HubPaths): boolean {
	const state = readState(paths);
	return state !== null && state.failure === null && state.url === null && isAlive(state.pid);
}

/** The error for a hub that runs but does not answer; null if none runs. */
async function silentHub(paths: HubPaths): Promise<HubError | null> {
	if (!(await isHeld(paths))) return null;
	const pid = hubProcess(paths);
	const state = readState(paths);
	const who = pid === null ? 'A hub' : `A hub (process ${pid})`;
	const why =
		state === null ? `${stateFile(paths)} does not contain its address` : (state.progress ?? 'it does not answer');
	const end = pid === null ? 'End its process' : 'Stop it with `agentmux hub stop`';
	return new HubError(
		`${who} is using ${paths.data}, but does not respond: ${why.replace(/\.$/, '')}.`,
		`See \`agentmux hub logs\`. ${end}; the next command starts another.`,
	);
}

/**
 * Whether the last hub with these paths was stopped on purpose, or is being stopped: it closes its connections before its database.
 * Its lock does not tell: others who lost their connection look at it, too, and hold it for a moment. A hub whose state file somebody
 * removed writes it again.
 */
export function wasStopped(paths: HubPaths): boolean {
	return !existsSync(stateFile(paths)) || readState(paths)?.stopping === true;
}

/** Stops the hub of an older agentmux without a proof key: no token may be sent to it. The lock shows that it is ours. */
async function endUnproven(paths: HubPaths, onProgress: EnsureOptions['onProgress']): Promise<void> {
	const state = readState(paths);
	if (state === null || state.url === null || state.socket !== undefined || !isAlive(state.pid)) return;
	if (!(await isHeld(paths))) return;
	onProgress?.(`Replacing the hub of an older agentmux (process ${state.pid}).`);
	await stopHub(paths, state.pid);
}

/** Throws if a database was given and the hub serves another one: the user must not write into the wrong mailbox. */
function checkDatabase({pid, database}: RunningHub, databaseUrl: string | undefined): void {
	if (databaseUrl === undefined) return;
	const wanted = describeDatabase(databaseUrl);
	if (database === wanted) return;
	const name = (label: string): string => (label === embedded ? 'the embedded database' : label);
	throw new HubError(
		`The running hub (process ${pid}) serves ${name(database)}, not ${name(wanted)}.`,
		'Stop it first with `agentmux hub stop`.',
	);
}

/** Stops the hub with these paths (with `pid`, only that one), and resolves with its pid; null if none is running. Rejects with HubError. */
export async function stopHub(paths: HubPaths, pid?: number): Promise<number | null> {
	if (!(await isHeld(paths))) return null;
	const running = await holder(paths);
	if (running === null || (pid !== undefined && running !== pid)) return null;
	try {
		process.kill(running, 'SIGTERM');
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code !== 'ESRCH') throw fileError(`Cannot stop the hub (process ${running})`, error);
	}
	const deadline = Date.now() + 20_000;
	while (Date.now() < deadline) {
		// The lock is released earlier, but the process may write to its cache until it ends.
		if (!isAlive(running)) return running;
		await sleep(pollEvery);
	}
	throw new HubError(
		`The hub (process ${running}) does not stop.`,
		`See \`agentmux hub logs\`. \`kill -9 ${running}\` is safe: nothing that was acknowledged is lost.`,
	);
}

/** The process of the hub that holds the lock; null if it has ended meanwhile. Rejects with HubError if it is unknown. */
async function holder(paths: HubPaths): Promise<number | null> {
	const deadline = Date.now() + silence;
	while (Date.now() < deadline) {
		const pid = hubProcess(paths);
		if (pid !== null) return pid;
		if (!(await isHeld(paths))) return null;
		await sleep(pollEvery);
	}
	throw new HubError(
		`A hub is using ${paths.data}, but neither its lock nor ${stateFile(paths)} contains its process id.`,
		'End it yourself.',
	);
}

/** Whether a process is running a hub with this data folder. */
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
		throw fileError(`Cannot write the hub's log ${path}`, error);
	}
	try {
		const folders = ['--data', paths.data, '--state', paths.state, '--logs', paths.logs];
		// Loaded here: most who look for a hub find one.
		const {spawn} = process.getBuiltinModule('node:child_process');
		const child = spawn(process.execPath, [cli, 'hub', 'run', ...folders], {
			detached: true,
			// Not the current folder, which the user may want to remove while the hub is running.
			cwd: paths.data,
			// Not as an argument: other users can read those, and the URL may contain a password.
			env: {...process.env, AGENTMUX_DATABASE_URL: databaseUrl},
			stdio: ['ignore', log, log],
		});
		// Without a listener, the error would be thrown. The missing exit code shows it, too.
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
		return new HubError(`The hub cannot start: the disk of ${paths.state} is full.`, 'Free some space on it.');
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
