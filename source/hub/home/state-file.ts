import {lstatSync} from 'node:fs';
import {join} from 'node:path';
import {HubError} from '../files/error.ts';
import type {HeldHome} from './held-home.ts';
import type {Log} from '../files/log.ts';
import type {HubPaths} from '../files/paths.ts';
import {embedded} from '../database/postgres-url.ts';
import {readJsonFile} from '../files/private-file.ts';

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
export function readState(paths: HubPaths): HubState | null {
	try {
		const state = readJsonFile(stateFile(paths)) as Partial<HubState> | null;
		return typeof state?.pid === 'number' ? {...absent, ...state, pid: state.pid} : null;
	} catch {
		return null;
	}
}

/** Something other than a file at the path of the state file, where no hub can write its address; null when there is nothing. */
export function stateFault(paths: HubPaths): HubError | null {
	const path = stateFile(paths);
	const found = lstatSync(path, {throwIfNoEntry: false});
	if (found === undefined || found.isFile()) return null;
	const what = found.isDirectory() ? 'a folder' : found.isSymbolicLink() ? 'a link' : 'something that is no file';
	return new HubError(
		`The hub cannot say where it answers: ${what} stands where its file ${path} should be.`,
		'Move it away, and try again.',
	);
}

/** What the hub of this process says of itself. */
export class PublishedState {
	readonly #path: string;
	readonly #home: HeldHome;
	readonly #log: Log;
	#state: HubState;

	/** Throws HubError when it cannot be written. */
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

	/** A full disk stops no hub over this: it is written as soon as it can be. */
	change(change: Partial<HubState>): void {
		this.#state = {...this.#state, ...change};
		try {
			this.#write();
		} catch (error) {
			this.#log(`Its state cannot be written: ${(error as Error).message}`);
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
	failure: null,
};

export function stateFile(paths: HubPaths): string {
	return join(paths.state, 'hub.json');
}
