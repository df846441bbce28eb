import type {MessagePort} from 'node:worker_threads';
import type {Result, Scope, Statement} from '../database/database.ts';
import type {PgliteOptions} from './pglite.ts';
import type {Interrupt} from './interrupt.ts';

/** The maximum number of messages that share a write to the disk. */
export const maxTogether = 16;

/** The first message to the thread: what it is to open. */
export interface WorkerData {
	readonly options: PgliteOptions;
	/** Brings PGlite's compiled module, or null where it could not be compiled. */
	readonly module: MessagePort;
	/** The running call; see Progress. */
	readonly progress: SharedArrayBuffer;
}

/** A call from WorkerDatabase to its thread. Calls are answered in order, by id. */
export type WorkerCall =
	| {readonly id: number; readonly call: 'run'; readonly scope: Scope; readonly statements: readonly Statement[]}
	| {readonly id: number; readonly call: 'script'; readonly scope: Scope; readonly sql: string}
	| {readonly id: number; readonly call: 'listen' | 'unlisten'; readonly channel: string}
	/** To a new folder. */
	| {readonly id: number; readonly call: 'copy'; readonly folder: string}
	| {readonly id: number; readonly call: 'close'};

export interface WorkerFailure {
	readonly message: string;
	/** SQLSTATE; null for an error that PostgreSQL did not report. */
	readonly code: string | null;
	readonly details: string | null;
	readonly hint: string | null;
}

/** What was heard during a call. */
export type Notice = readonly [channel: string, payload: string];

export type WorkerAnswer =
	/** With the means to cancel statements, and the compiled module; null for a database in memory. */
	| {readonly opened: true; readonly interrupt: Interrupt | null; readonly module: WebAssembly.Module | null}
	/** PostgreSQL panicked, with this message, and the thread is about to end. */
	| {readonly stopped: string}
	/** A message has begun whose predecessors are not answered yet, because they share a write to the disk with it. */
	| {readonly begun: number}
	| {readonly id: number; readonly results: Result[]; readonly notices?: readonly Notice[]}
	| {readonly id: number; readonly failure: WorkerFailure}
	| {readonly notices: readonly Notice[]};
