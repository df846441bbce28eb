import {Worker} from 'node:worker_threads';
import {DatabaseError, Runaway, type Database, type Result, type Scope, type Statement} from '../database/database.ts';
import {fromSource} from '../files/package-root.ts';
import {committed} from './pglite.ts';
import {isUnheeded, raiseInterrupt, type Interrupt} from './interrupt.ts';
import {Progress} from './progress.ts';
import {timeLimit} from '../database/time-limits.ts';
import type {WorkerAnswer, WorkerCall, WorkerData, WorkerFailure} from './worker-messages.ts';

// Both in source/ and in the bundle, the worker is in the same folder as this module.
const workerFile = new URL(fromSource ? 'pglite-worker.ts' : 'pglite-worker.js', import.meta.url);

export interface WorkerDatabaseOptions {
	/** The initialized data directory; null for a new database in memory. */
	readonly directory: string | null;
	/**
	 * Milliseconds that a call may run; less for some roles (time-limits.ts). PGlite ignores statement_timeout, so the call is cancelled
	 * here.
	 */
	readonly timeout: number;
	/** Called when the thread has died, and another one opens the database. */
	readonly onStopped?: (reason: string) => void;
	/** Called when the thread has died and could not be replaced. */
	readonly onLost?: (error: Error) => void;
	/** Whether the directory is still at its path; checked before each response. */
	readonly isInPlace?: () => boolean;
	/** Called when it is not; from then on, nothing is answered or written, not even a checkpoint. */
	readonly onDisplaced?: () => void;
}

/** Milliseconds for opening a database, which may have much to recover. */
const openingTime = 300_000;
/** Milliseconds between attempts to cancel a call that is not running yet. */
const cancelAgain = 20;

/** MiB. Queries allocate short-lived objects, for which the thread would keep some 40 MiB by default. */
const youngGeneration = 8;
/**
 * MiB. PostgreSQL checks the depth of the stack in WASM's memory, but not of the thread's own stack, of which calls use several times as
 * much. With the default of 4 MiB, endless recursion in SQL would crash in the middle of PostgreSQL, whose results could no longer be
 * trusted. Only the part that is used takes memory.
 */
const stack = 32;

interface Pending {
	readonly request: Request;
	/** The reason for cancelling it; null if it is not cancelled. */
	cancelled: Error | null;
	/** Removes its listener from the signal. */
	settle(): void;
	resolve(results: Result[]): void;
	reject(error: Error): void;
}

type Request = WorkerCall extends infer Call ? (Call extends WorkerCall ? Omit<Call, 'id'> : never) : never;

/** Implements Database with PGlite in a separate thread. */
export class WorkerDatabase implements Database {
	readonly #options: WorkerDatabaseOptions;
	readonly #pending = new Map<number, Pending>();
	readonly #listeners = new Map<string, Set<(payload: string) => void>>();
	readonly #progressCells = new SharedArrayBuffer(Progress.bytes);
	readonly #progress = new Progress(this.#progressCells);
	#interrupt: Interrupt | null = null;
	/** Kept for the next thread, which can then open the database sooner. */
	#module: WebAssembly.Module | null = null;
	#worker: Worker;
	/** Resolves when the thread has exited. */
	#ended: Promise<unknown> = Promise.resolve();
	#opened = false;
	/** Resolves when the current thread, or its replacement, has opened the database. */
	#ready = Promise.withResolvers<void>();
	#isReady = false;
	#closing = false;
	#lost: Error | null = null;
	/** Why the thread is about to end. */
	#reason: string | null = null;
	#lastId = 0;
	#watchdog: NodeJS.Timeout | undefined;

	private constructor(options: WorkerDatabaseOptions) {
		this.#options = options;
		this.#worker = this.#start();
	}

	/** Rejects if PostgreSQL does not start with that directory. */
	static async open(options: WorkerDatabaseOptions): Promise<WorkerDatabase> {
		const database = new WorkerDatabase(options);
		// The first response arrives when the database is open.
		await database.run({role: 'postgres', claims: {}}, []);
		return database;
	}

	/** Resolves when calls can begin: not while a thread that died is being replaced. */
	ready(): Promise<void> {
		return this.#ready.promise;
	}

	run(scope: Scope, statements: readonly Statement[], signal?: AbortSignal): Promise<Result[]> {
		return this.#call({call: 'run', scope, statements}, signal);
	}

	script(scope: Scope, sql: string, signal?: AbortSignal): Promise<Result[]> {
		return this.#call({call: 'script', scope, sql}, signal);
	}

	async listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
		const listeners = this.#listeners.get(channel) ?? new Set();
		this.#listeners.set(channel, listeners.add(listener));
		await this.#call({call: 'listen', channel});
		return async () => {
			listeners.delete(listener);
			if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
			this.#listeners.delete(channel);
			await this.#call({call: 'unlisten', channel});
		};
	}

	/** Copies the data directory, as it is between two transactions, to a new folder. */
	async copyTo(folder: string): Promise<void> {
		await this.#call({call: 'copy', folder});
	}

	/** Waits for running calls, then shuts PostgreSQL down with a checkpoint. */
	async close(): Promise<void> {
		if (this.#closing || this.#lost !== null) return;
		this.#closing = true;
		await this.#call({call: 'close'});
		this.#lost = new Error('The database is closed.');
		await this.#ended;
	}

	#call(request: Request, signal?: AbortSignal): Promise<Result[]> {
		if (this.#lost !== null) return Promise.reject(this.#lost);
		if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
		return new Promise((resolve, reject) => {
			const cancel = (): void => this.#cancel(pending, signal?.reason as Error);
			const settle = (): void => signal?.removeEventListener('abort', cancel);
			const pending: Pending = {request, cancelled: null, settle, resolve, reject};
			signal?.addEventListener('abort', cancel, {once: true});
			this.#post(pending);
		});
	}

	#post(pending: Pending): void {
		const id = ++this.#lastId;
		this.#pending.set(id, pending);
		if (this.#pending.size === 1) this.#watch();
		this.#worker.postMessage({...pending.request, id});
	}

	#start(): Worker {
		const workerData: WorkerData = {
			options: {directory: this.#options.directory, module: this.#module},
			progress: this.#progressCells,
		};
		const worker = new Worker(workerFile, {
			workerData,
			resourceLimits: {maxYoungGenerationSizeMb: youngGeneration, stackSizeMb: stack},
		});
		let failure: Error | null = null;
		this.#ended = new Promise(resolve => worker.once('exit', resolve));
		worker.on('message', (answer: WorkerAnswer) => this.#onAnswer(answer));
		worker.on('error', error => {
			failure = error;
		});
		worker.on('exit', () => this.#exited(worker, failure));
		return worker;
	}

	#onAnswer(answer: WorkerAnswer): void {
		if (this.#lost !== null) return;
		if (this.#options.isInPlace?.() === false) return this.#abandon();
		if ('stopped' in answer) {
			this.#reason = answer.stopped;
			return;
		}
		if ('opened' in answer) {
			this.#opened = true;
			this.#interrupt = answer.interrupt;
			this.#module = answer.module;
			this.#isReady = true;
			this.#ready.resolve();
			this.#watch();
			return;
		}
		if ('notices' in answer) {
			for (const [channel, payload] of answer.notices) {
				for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
			}
			return;
		}
		const pending = this.#pending.get(answer.id);
		this.#pending.delete(answer.id);
		this.#watch();
		if (pending === undefined) return;
		pending.settle();
		if ('results' in answer) pending.resolve(answer.results);
		else if (pending.cancelled !== null && isCancelled(answer.failure)) pending.reject(pending.cancelled);
		else pending.reject(toError(answer.failure));
	}

	/** Fails all calls, because the directory is no longer the database. */
	#abandon(): void {
		this.#lost = new Error('The database was moved, removed or replaced.');
		clearTimeout(this.#watchdog);
		void this.#worker.terminate();
		for (const pending of this.#pending.values()) {
			pending.settle();
			pending.reject(this.#lost);
		}
		this.#pending.clear();
		this.#options.onDisplaced?.();
	}

	/** Sets the timeout for the running call, which is the oldest. */
	#watch(): void {
		clearTimeout(this.#watchdog);
		const [id, oldest] = this.#pending.entries().next().value ?? [];
		if (id === undefined || oldest === undefined) return;
		const limit = this.#opened ? limitOf(oldest.request, this.#options.timeout) : openingTime;
		this.#watchdog = setTimeout(() => {
			if (this.#opened) this.#cancel(oldest, overtime(limit));
			else this.#end(id, oldest, overtime(limit));
		}, limit);
	}

	/** Cancels a call as soon as it runs. If it does not end then, its thread is ended and replaced. */
	#cancel(pending: Pending, why: Error): void {
		if (pending.cancelled !== null) return;
		pending.cancelled = why;
		const attempt = (deadline: number): void => {
			// It may have another id by now, if the thread was replaced.
			const id = [...this.#pending].find(([, other]) => other === pending)?.[0];
			if (id === undefined) return;
			const interrupt = this.#interrupt;
			const isCancelled =
				this.#opened && interrupt !== null && this.#progress.cancel(id, () => raiseInterrupt(interrupt));
			const isRunning = this.#opened && this.#progress.begun === id;
			if (!isCancelled && !(isRunning && performance.now() > deadline)) {
				setTimeout(attempt, cancelAgain, isRunning ? deadline : performance.now() + cancelAgain);
				return;
			}
			const end = async (): Promise<void> => {
				const isOver = (): boolean => this.#pending.get(id) !== pending;
				// If it can no longer be cancelled, it is committing, and gets the full time for that.
				if (await isUnheeded(isCancelled ? interrupt : null, isOver)) this.#end(id, pending, why);
			};
			void end();
		};
		attempt(performance.now() + cancelAgain);
	}

	#unready(): void {
		if (this.#isReady) this.#ready = Promise.withResolvers();
		this.#isReady = false;
	}

	/** Ends the thread during a call. */
	#end(id: number, pending: Pending, why: Error): void {
		this.#pending.delete(id);
		this.#unready();
		pending.settle();
		pending.reject(new Runaway(why));
		this.#reason = `what it worked on did not end: ${why.message}`;
		void this.#worker.terminate();
	}

	/**
	 * Replaces the thread after it has died. Nothing that was acknowledged is lost, and calls that had not begun wait for the next thread. A
	 * call that was running may or may not have been committed.
	 */
	#exited(worker: Worker, failure: Error | null): void {
		if (worker !== this.#worker || this.#lost !== null || (this.#closing && this.#pending.size === 0)) return;
		clearTimeout(this.#watchdog);
		const reason = this.#reason ?? failure?.message ?? null;
		this.#reason = null;
		const error = new DatabaseError('the database stopped while it worked on this', '57P02', reason);
		const cause = reason === null ? error : (failure ?? new Error(reason));
		const {begun} = this.#progress;
		this.#progress.reset();
		this.#interrupt = null;
		const waiting: Pending[] = [];
		for (const [id, pending] of this.#pending) {
			if (this.#opened && id > begun) waiting.push(pending);
			else {
				pending.settle();
				pending.reject(this.#opened ? error : cause);
			}
		}
		this.#pending.clear();
		// If the thread could not open the database, another one could not either.
		const replace = this.#opened && (!this.#closing || waiting.length > 0);
		if (!replace) {
			this.#lost = cause;
			this.#options.onLost?.(cause);
			return;
		}
		this.#unready();
		this.#opened = false;
		this.#options.onStopped?.(reason ?? 'its thread ended without saying why');
		this.#worker = this.#start();
		for (const channel of this.#listeners.keys()) void this.#call({call: 'listen', channel}).catch(() => undefined);
		for (const pending of waiting) this.#post(pending);
	}
}

function limitOf(request: Request, max: number): number {
	return 'scope' in request ? timeLimit(request.scope, max) : max;
}

/** PostgreSQL's own message. */
function overtime(limit: number): DatabaseError {
	const hint = `Ask for less at once: the time limit is ${limit / 1000} s.`;
	return new DatabaseError('canceling statement due to statement timeout', canceled, null, hint);
}

/** SQLSTATE of a statement that was cancelled. */
const canceled = '57014';

/** Cancelled, and not committed. */
function isCancelled({code, details}: WorkerFailure): boolean {
	return code === canceled && details !== committed;
}

function toError({message, code, details, hint}: WorkerFailure): Error {
	return code === null ? new Error(message) : new DatabaseError(message, code, details, hint);
}
