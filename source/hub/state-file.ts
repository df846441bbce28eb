import {rmSync} from 'node:fs';
import {join} from 'node:path';
import type {HubPlaces} from './places.ts';
import {embedded} from './postgres-url.ts';
import {readJsonFile, writePrivateFile} from './private-file.ts';

/** What state/hub.json says of the hub that runs, starts, or failed to. */
export interface HubState {
	readonly pid: number;
	readonly version: string;
	/** The newest migration that it applies; empty for one that does not say. */
	readonly schema: string;
	/** ISO 8601. */
	readonly started_at: string;
	/** `PGlite`, or `PostgreSQL` and its version; empty until it is known. */
	readonly engine: string;
	/** `embedded`, or `user@host:port/database`. */
	readonly database: string;
	/** Null until it answers. */
	readonly url: string | null;
	/** The path of its socket for this user's programs, once it answers; null where it has none. Undefined: an older hub's. */
	readonly socket: string | null | undefined;
	/** Answers a challenge (local/proof.ts). */
	readonly proof_key: string;
	/** What it is doing, while it starts, or what it waits for. */
	readonly progress: string | null;
	/** Why it gave up, as a sentence and its remedy. */
	readonly failure: readonly [message: string, remedy: string] | null;
}

/** Null when there is none, or none that can be read: it holds nothing that a new hub would not write again. */
export function readState(places: HubPlaces): HubState | null {
	try {
		const state = readJsonFile(stateFile(places)) as Partial<HubState> | null;
		return typeof state?.pid === 'number' ? {...absent, ...state, pid: state.pid} : null;
	} catch {
		return null;
	}
}

export function writeState(places: HubPlaces, state: HubState): void {
	writePrivateFile(stateFile(places), `${JSON.stringify(state)}\n`);
}

/** Only what this process wrote. */
export function removeState(places: HubPlaces): void {
	if (readState(places)?.pid === process.pid) rmSync(stateFile(places), {force: true});
}

const absent = {
	version: '',
	schema: '',
	started_at: '',
	engine: '',
	database: embedded,
	url: null,
	socket: undefined,
	proof_key: '',
	progress: null,
	failure: null,
};

function stateFile(places: HubPlaces): string {
	return join(places.state, 'hub.json');
}
