import {Worker} from 'node:worker_threads';
import {fromSource} from '../files/package-root.ts';
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

/** Starts the thread in which PGlite runs. */
export function startThread(workerData: WorkerData, {onAnswer, onExit}: ThreadEvents): Worker {
	const thread = new Worker(workerFile, {
		workerData,
		transferList: workerData.compiled === null ? [] : [workerData.compiled],
		resourceLimits: {maxYoungGenerationSizeMb: youngGeneration, stackSizeMb: stack},
	});
	let failure: Error | null = null;
	thread.on('message', onAnswer);
	thread.on('error', error => {
		failure = error;
	});
	thread.on('exit', () => onExit(thread, failure));
	return thread;
}
