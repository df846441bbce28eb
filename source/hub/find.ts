import {get} from 'node:http';
import {readKeys, type HubKeys} from './keys.ts';
import type {HubPlaces} from './places.ts';
import {readState} from './state-file.ts';

/** A hub that answers, and what opens it. */
export interface RunningHub extends HubKeys {
	readonly url: string;
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
}

/** The hub of these places, or null when none answers. A state file whose process is gone is ignored. Rejects with HubError. */
export async function findHub(places: HubPlaces): Promise<RunningHub | null> {
	const state = readState(places);
	if (state === null || state.url === null || !isAlive(state.pid)) return null;
	if ((await askHealth(state.url)) !== state.pid) return null;
	const keys = readKeys(places);
	if (keys === null) return null;
	const {url, pid, version, schema, started_at, engine, database, progress} = state;
	return {url, pid, version, schema, started_at, engine, database, progress, ...keys};
}

/** Another user's process counts as alive. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

const patience = 3000;

/** The process id that the hub at this address says it has; null when it says nothing. */
function askHealth(url: string): Promise<number | null> {
	return new Promise(resolve => {
		// node:http and not fetch: this stands before the first frame, and loading fetch would cost more than asking.
		const request = get(`${url}/health`, {agent: false, timeout: patience}, response => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (chunk: string) => {
				text += chunk;
			});
			response.on('end', () => resolve(pidIn(text)));
		});
		request.on('timeout', () => request.destroy());
		request.on('error', () => resolve(null));
		request.on('close', () => resolve(null));
	});
}

function pidIn(text: string): number | null {
	try {
		const {pid} = JSON.parse(text) as {pid?: unknown};
		return typeof pid === 'number' ? pid : null;
	} catch {
		return null;
	}
}
