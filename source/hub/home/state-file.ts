import {lstatSync} from 'node:fs';
import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HeldHome} from './held-home.ts';
import type {Log} from '../files/log.ts';
import type {HubPaths} from '../files/paths.ts';
import {embedded} from '../database/postgres-url.ts';
import {readJsonFile} from '../files/private-file.ts';

/** Facts about a hub's process. */
export interface HubFacts {
	readonly pid: number;
	readonly version: string;
	/** The newest migration that it applies; empty if an older hub does not report it. */
	readonly schema: string;
	/** ISO 8601. */
	readonly started_at: string;
	/** `PGlite`, or `PostgreSQL` with its version; empty until it is known. */
	readonly engine: string;
	/** `embedded`, or `user@host:port/database`. */
	readonly database: string;
}

/** The contents of state/hub.json, about a hub that is running, starting, or failed to start. */
export interface HubState extends HubFacts {
	/** Null until it answers. */
	readonly url: string | null;
	/** The path of its socket for this user's programs, once it answers; null if it has none. Undefined for an older hub. */
	readonly socket: string | null | undefined;
	/** Answers a challenge (local/proof.ts). */
	readonly proof_key: string;
	/** What it is doing while it starts, or what it is waiting for. */
	readonly progress: string | null;
	/** Whether somebody stops it: those who lose their connection to it then are not to start another. */
	readonly stopping: boolean;
	/** Why it failed, as a sentence and a remedy. */
	readonly failure: readonly [message: string, remedy: string] | null;
}

/** Null if it is missing or damaged; a new hub writes it again. */
export function readState(paths: HubPaths): HubState | null {
	try {
		const state = readJsonFile(stateFile(paths)) as Partial<HubState> | null;
		return typeof state?.pid === 'number' ? {...absent, ...state, pid: state.pid} : null;
	} catch {
		return null;
	}
}

/** The error if there is anything but a file at the path of the state file, so that no hub can write its address; null if not. */
export function stateFault(paths: HubPaths): HubError | null {
	const path = stateFile(paths);
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (found === undefined || found.isFile()) return null;
	const what = found.isDirectory() ? 'a folder' : found.isSymbolicLink() ? 'a link' : 'not a file';
	return new HubError(`The hub cannot publish its address: ${path} is ${what}.`, 'Move it away, and try again.');
}

/** The state that the hub of this process publishes. */
export class PublishedState {
	readonly #path: string;
	readonly #home: HeldHome;
	readonly #log: Log;
	#state: HubState;

	/** Throws HubError if it cannot be written. */
	constructor(paths: HubPaths, state: HubState, home: HeldHome, log: Log) {
		this.#path = stateFile(paths);
		this.#home = home;
		this.#log = log;
		this.#state = state;
		this.#write();
	}

	get current(): HubState {
		return this.#state;
	}

	/** If it cannot be written now, as with a full disk, that is logged, and it is written as soon as possible. */
	change(change: Partial<HubState>): void {
		this.#state = {...this.#state, ...change};
		try {
			this.#write();
		} catch (error) {
			this.#log(`Cannot write the hub's state: ${(error as Error).message}`);
		}
	}

	remove(): void {
		this.#home.remove(this.#path);
	}

	#write(): void {
		this.#home.write(this.#path, `${JSON.stringify(this.#state)}\n`);
	}
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
	stopping: false,
	failure: null,
};

export function stateFile(paths: HubPaths): string {
	return join(paths.state, 'hub.json');
}
