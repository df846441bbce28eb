import {readFileSync} from 'node:fs';
import {get, type RequestOptions} from 'node:http';
import {join} from 'node:path';
import type {Activity} from '../database/fair-database.ts';
import type {Runaway} from '../database/opened-database.ts';
import {readKeys, type HubKeys} from '../tokens/keys.ts';
import type {HubAddress} from '../local/dial.ts';
import {connectWith} from '../local/fetch.ts';
import {lockHolder} from '../files/lock.ts';
import type {HubPaths} from '../files/paths.ts';
import {readState} from '../home/state-file.ts';

/** A hub that answers, and what opens it. */
export interface RunningHub extends HubKeys, HubAddress {
	readonly pid: number;
	readonly version: string;
	/** The newest migration that it applies. */
	readonly schema: string;
	/** ISO 8601. */
	readonly started_at: string;
	/** `PGlite`, or `PostgreSQL` and its version. */
	readonly engine: string;
	/** `embedded`, or `user@host:port/database`. */
	readonly database: string;
	/** What it waits for: a database that is away. Null when nothing. */
	readonly progress: string | null;
	/** What its database works on. */
	readonly running: readonly Activity[];
	/** What computes on in the server although it was cancelled. */
	readonly runaways: readonly Runaway[];
}

/**
 * The hub of these places, or null when none answers: one that proved to be it, by its socket or a challenge. A state file
 * whose process is gone is ignored, and so is the hub of an agentmux that had neither. Rejects with HubError.
 */
export async function findHub(paths: HubPaths): Promise<RunningHub | null> {
	const state = readState(paths);
	if (state === null || state.url === null || state.socket === undefined || !isAlive(state.pid)) return null;
	const {url, socket, proof_key, pid, version, schema, started_at, engine, database, progress} = state;
	const health = await healthOf({url, socket, proof_key}, pid);
	if (health === null) return null;
	const keys = readKeys(paths);
	if (keys === null) return null;
	return {url, socket, proof_key, pid, version, schema, started_at, engine, database, progress, ...health, ...keys};
}

/** What a hub holds as long as it runs. */
export function hubLock({data}: HubPaths): string {
	return join(data, 'hub.lock');
}

/**
 * The process that a hub of these places is, or was, as far as it is alive: whether it still holds the lock, only the lock
 * says. An older hub does not sign it, and stands in the state file alone. Null when nothing names one.
 */
export function hubProcess(paths: HubPaths): number | null {
	const pid = lockHolder(hubLock(paths)) ?? readState(paths)?.pid ?? null;
	return pid !== null && isAlive(pid) ? pid : null;
}

/** Another user's process counts as alive; one that has ended and is only still listed does not. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return !isZombie(pid);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

/** See proc_pid_stat(5). Where the parent waits for nobody, it may be listed for ever. */
function isZombie(pid: number): boolean {
	if (process.platform !== 'linux') return false;
	try {
		return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		return false;
	}
}

const timeout = 3000;

type Health = Pick<RunningHub, 'running' | 'runaways'>;

/** What runs in the database of the hub that answers there; null when none does, nothing where it may not say. */
function healthOf(address: HubAddress, pid: number): Promise<Health | null> {
	return new Promise(resolve => {
		// node:http and not fetch: this stands before the first frame, and loading fetch would cost more than asking.
		const options = {
			path: '/health',
			headers: {host: new URL(address.url).host},
			createConnection: (_: unknown, done: Parameters<typeof connectWith>[1]) => connectWith(address, done),
			timeout,
		};
		const request = get(options as RequestOptions, response => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (chunk: string) => {
				text += chunk;
			});
			response.on('end', () => resolve(readHealth(text, pid)));
		});
		request.on('timeout', () => request.destroy());
		request.on('error', () => resolve(null));
		request.on('close', () => resolve(null));
	});
}

/** By TCP it says no process id; it has proved then to be the one that this state file is of. */
function readHealth(text: string, expected: number): Health | null {
	try {
		const {
			status,
			pid = expected,
			running = [],
			runaways = [],
		} = JSON.parse(text) as {
			readonly status?: unknown;
			readonly pid?: unknown;
			readonly running?: readonly Activity[];
			readonly runaways?: readonly Runaway[];
		};
		return status === 'ok' && pid === expected ? {running, runaways} : null;
	} catch {
		return null;
	}
}
