import {MessageChannel, Worker} from 'node:worker_threads';
import {fromSource} from '../files/package-root.ts';
import {sharingModule} from './interrupt.ts';
import type {WorkerAnswer, WorkerData} from './worker-messages.ts';

// Both in source/ and in the bundle, the worker is in the same folder as this module.
const workerFile = new URL(fromSource ? 'pglite-worker.ts' : 'pglite-worker.js', import.meta.url);

/** MiB. Queries allocate short-lived objects, for which the thread would keep some 40 MiB by default. */
const youngGeneration = 8;
/**
 * MiB. PostgreSQL checks the depth of the stack in WASM's memory, but not of the thread's own stack, of which calls use several times as
 * much. With the default of 4 MiB, endless recursion in SQL would crash in the middle of PostgreSQL, whose results could no longer be
 * trusted. Only the part that is used takes memory.
 */
const stack = 32;

interface ThreadEvents {
	readonly onAnswer: (answer: WorkerAnswer) => void;
	/** Called when the thread has ended, with the error that ended it; null if there was none. */
	readonly onExit: (thread: Worker, failure: Error | null) => void;
}

/** A thread that loads PGlite and then waits for what it is to open. */
export interface WaitingThread {
	readonly worker: Worker;
	/** Resolves when it has ended, with the error that ended it; null if there was none. */
	readonly ended: Promise<Error | null>;
	/** PGlite's module, which is compiled meanwhile; null if that failed: then the thread compiles it, and reports why it cannot. */
	readonly module: Promise<WebAssembly.Module | null>;
}

/**
 * Starts a thread in which PGlite can run: it takes as long as the hub's own code takes to load, which can be done meanwhile. `module`:
 * PGlite's, if an earlier thread has left it, or null for one that needs none.
 */
export function startWaitingThread(module?: WebAssembly.Module | null): WaitingThread {
	const worker = new Worker(workerFile, {
		resourceLimits: {maxYoungGenerationSizeMb: youngGeneration, stackSizeMb: stack},
	});
	let failure: Error | null = null;
	worker.on('error', error => {
		failure = error;
	});
	return {
		worker,
		ended: new Promise(resolve => worker.on('exit', () => resolve(failure))),
		module: module === undefined ? sharingModule().catch(() => null) : Promise.resolve(module),
	};
}

/** Has a thread open a database. */
export function openIn(
	{worker, ended, module}: WaitingThread,
	data: Omit<WorkerData, 'module'>,
	{onAnswer, onExit}: ThreadEvents,
): void {
	const {port1: out, port2: port} = new MessageChannel();
	worker.on('message', onAnswer);
	void ended.then(failure => onExit(worker, failure));
	worker.postMessage({...data, module: port} satisfies WorkerData, [port]);
	const pass = (compiled: WebAssembly.Module | null): void => {
		out.postMessage(compiled);
		out.close();
	};
	void module.then(pass);
}
