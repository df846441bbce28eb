import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Activity} from '../database/fair-database.ts';
import type {RunawayStatement} from '../database/opened-database.ts';
import {readKeys, type HubKeys} from '../tokens/keys.ts';
import {dial, type HubAddress} from '../local/dial.ts';
import {exchange} from '../local/exchange.ts';
import {lockHolder} from '../files/lock.ts';
import type {HubPaths} from '../files/paths.ts';
import {readState, type HubFacts} from '../home/state-file.ts';

/** A hub that answers, with its keys. */
export interface RunningHub extends HubKeys, HubAddress, HubFacts {
	/** A sentence about what it is waiting for, such as an unavailable database; null if nothing. */
	readonly progress: string | null;
	/** What its database works on. */
	readonly running: readonly Activity[];
	/** What computes on in the server although it was cancelled. */
	readonly runaways: readonly RunawayStatement[];
}

/**
 * The running hub with these paths, verified by its socket or a challenge; null if none answers. Ignores a state file whose process is
 * gone, and hubs of older versions that cannot be verified. Rejects with HubError.
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

/** The lock that a hub holds while it runs. */
export function hubLock({data}: HubPaths): string {
	return join(data, 'hub.lock');
}

/**
 * The process of the hub with these paths; null if it is unknown or has ended. The process may be alive without running the hub any more:
 * only the lock tells. Older hubs do not sign the lock, so their process is only in the state file.
 */
export function hubProcess(paths: HubPaths): number | null {
	const pid = lockHolder(hubLock(paths)) ?? readState(paths)?.pid ?? null;
	return pid !== null && isAlive(pid) ? pid : null;
}

/** Whether a process, even another user's, is alive; zombies are not. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return !isZombie(pid);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

/** See proc_pid_stat(5). If its parent never waits for it, a zombie may stay forever. */
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
async function healthOf(address: HubAddress, pid: number): Promise<Health | null> {
	const headers = {host: new URL(address.url).host};
	try {
		const signal = AbortSignal.timeout(timeout);
		const {text} = await exchange(dial(address), {method: 'GET', path: '/health', headers, signal});
		return readHealth(text, pid);
	} catch {
		return null;
	}
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
			readonly runaways?: readonly RunawayStatement[];
		};
		return status === 'ok' && pid === expected ? {running, runaways} : null;
	} catch {
		return null;
	}
}
