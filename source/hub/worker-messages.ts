import type {Result, Scope, Statement} from './database.ts';
import type {PgliteOptions} from './pglite.ts';

/** What the thread is made with. */
export interface WorkerData {
	readonly options: PgliteOptions;
	/** One int64: the id of the call that was begun last, so that those behind it are known not to be when the thread dies. */
	readonly begun: SharedArrayBuffer;
}

/** What WorkerDatabase asks of its thread. Answered in order, by id. */
export type WorkerCall =
	| {readonly id: number; readonly call: 'run'; readonly scope: Scope; readonly statements: readonly Statement[]}
	| {readonly id: number; readonly call: 'script'; readonly scope: Scope; readonly sql: string}
	| {readonly id: number; readonly call: 'listen' | 'unlisten'; readonly channel: string}
	/** To a folder that does not exist. */
	| {readonly id: number; readonly call: 'copy'; readonly folder: string}
	| {readonly id: number; readonly call: 'close'};

export interface WorkerFailure {
	readonly message: string;
	/** SQLSTATE, or null when it was not PostgreSQL that failed. */
	readonly code: string | null;
	readonly details: string | null;
	readonly hint: string | null;
}

export type WorkerAnswer =
	| {readonly opened: true}
	/** PostgreSQL has panicked, in its own words; the thread is about to end. */
	| {readonly stopped: string}
	| {readonly id: number; readonly results: Result[]}
	| {readonly id: number; readonly failure: WorkerFailure}
	| {readonly channel: string; readonly payload: string};
