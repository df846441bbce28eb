import type {Result, Scope, Statement} from '../database/database.ts';
import type {PgliteOptions} from './pglite.ts';
import type {Interrupt} from './interrupt.ts';

/** What the thread is made with. */
export interface WorkerData {
	readonly options: PgliteOptions;
	/** Which call the thread works on: see Progress. */
	readonly progress: SharedArrayBuffer;
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
	/** With what cancels the statement that runs, and PostgreSQL as it was compiled; null for a database in memory. */
	| {readonly opened: true; readonly interrupt: Interrupt | null; readonly module: WebAssembly.Module | null}
	/** PostgreSQL has panicked, in its own words; the thread is about to end. */
	| {readonly stopped: string}
	| {readonly id: number; readonly results: Result[]}
	| {readonly id: number; readonly failure: WorkerFailure}
	| {readonly channel: string; readonly payload: string};
