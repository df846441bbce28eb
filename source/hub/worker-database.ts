import {Worker} from 'node:worker_threads';
import {DatabaseError, type Database, type Result, type Scope, type Statement} from './database.ts';
import {fromSource} from './package-root.ts';
import {timeLimit} from './time-limits.ts';
import type {WorkerAnswer, WorkerCall, WorkerData, WorkerFailure} from './worker-messages.ts';

// Source and bundle each have the worker beside this module.
const workerFile = new URL(fromSource ? 'pglite-worker.ts' : 'pglite-worker.js', import.meta.url);

export interface WorkerDatabaseOptions {
	/** The data directory, initialised; null for a new database in memory. */
	readonly directory: string | null;
	/**
	 * Milliseconds that one call may run, less for some roles (time-limits.ts). PGlite ignores statement_timeout: the thread is
	 * ended, and another opens the database.
	 */
	readonly timeout: number;
	/** The thread died, and another one opens the database. */
	readonly onStopped?: (reason: string) => void;
	/** The thread died and could not be replaced. */
	readonly onLost?: (error: Error) => void;
	/** Whether the directory still lies where it was opened. Asked before anything is answered. */
	readonly isInPlace?: () => boolean;
	/** It does not: nothing is answered from now on, and nothing written, not even a checkpoint. */
	readonly onDisplaced?: () => void;
}

/** Milliseconds to open a database, which may have much to recover. */
const openingTime = 300_000;

/** MiB. What a query makes is short-lived; by default the thread would keep some 40 MiB for it. */
const youngGeneration = 8;
/**
 * MiB. PostgreSQL's own check of its stack sees what WASM keeps in its memory, and not the thread's stack, which its calls take
 * several times as much of: with the 4 MiB of a usual thread endless recursion in SQL ends in the middle of PostgreSQL, and
 * what it answers from then on is not to be trusted. Taken only as far as it is used.
 */
const stack = 32;

interface Pending {
	readonly request: Request;
	resolve(results: Result[]): void;
	reject(error: Error): void;
}

type Request = WorkerCall extends infer Call ? (Call extends WorkerCall ? Omit<Call, 'id'> : never) : never;

/** The Database port on PGlite in a thread of its own. */
export class WorkerDatabase implements Database {
	readonly #options: WorkerDatabaseOptions;
	readonly #pending = new Map<number, Pending>();
	readonly #listeners = new Map<string, Set<(payload: string) => void>>();
	/** The id of the call that the thread began last. */
	readonly #begun = new BigInt64Array(new SharedArrayBuffer(8));
	#worker: Worker;
	/** Until the thread has exited. */
	#ended: Promise<unknown> = Promise.resolve();
	#opened = false;
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

	/** Rejects when PostgreSQL does not start on that directory. */
	static async open(options: WorkerDatabaseOptions): Promise<WorkerDatabase> {
		const database = new WorkerDatabase(options);
		// The first answer comes when the database is open.
		await database.run({role: 'postgres', claims: {}}, []);
		return database;
	}

	run(scope: Scope, statements: readonly Statement[]): Promise<Result[]> {
		return this.#call({call: 'run', scope, statements});
	}

	script(scope: Scope, sql: string): Promise<Result[]> {
		return this.#call({call: 'script', scope, sql});
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

	/** Copies the data directory, as it is between two transactions, to a folder that does not exist. */
	async copyTo(folder: string): Promise<void> {
		await this.#call({call: 'copy', folder});
	}

	/** Waits for what is under way, then shuts PostgreSQL down with a checkpoint. */
	async close(): Promise<void> {
		if (this.#closing || this.#lost !== null) return;
		this.#closing = true;
		clearTimeout(this.#watchdog);
		await this.#call({call: 'close'});
		this.#lost = new Error('The database is closed.');
		await this.#ended;
	}

	#call(request: Request): Promise<Result[]> {
		if (this.#lost !== null) return Promise.reject(this.#lost);
		return new Promise((resolve, reject) => this.#post({request, resolve, reject}));
	}

	#post(pending: Pending): void {
		const id = ++this.#lastId;
		this.#pending.set(id, pending);
		if (this.#pending.size === 1) this.#watch();
		this.#worker.postMessage({...pending.request, id});
	}

	#start(): Worker {
		const workerData: WorkerData = {options: {directory: this.#options.directory}, begun: this.#begun.buffer};
		const worker = new Worker(workerFile, {
			workerData,
			resourceLimits: {maxYoungGenerationSizeMb: youngGeneration, stackSizeMb: stack},
		});
		let failure: Error | null = null;
		this.#ended = new Promise(resolve => worker.once('exit', resolve));
		worker.on('message', (answer: WorkerAnswer) => this.#hear(answer));
		worker.on('error', error => {
			failure = error;
		});
		worker.on('exit', () => this.#exited(worker, failure));
		return worker;
	}

	#hear(answer: WorkerAnswer): void {
		if (this.#lost !== null) return;
		if (this.#options.isInPlace?.() === false) return this.#abandon();
		if ('stopped' in answer) {
			this.#reason = answer.stopped;
			return;
		}
		if ('opened' in answer) {
			this.#opened = true;
			this.#watch();
			return;
		}
		if ('channel' in answer) {
			for (const listener of this.#listeners.get(answer.channel) ?? []) listener(answer.payload);
			return;
		}
		const pending = this.#pending.get(answer.id);
		this.#pending.delete(answer.id);
		this.#watch();
		if ('results' in answer) pending?.resolve(answer.results);
		else pending?.reject(toError(answer.failure));
	}

	/** What was written went into a directory that is no longer the database. */
	#abandon(): void {
		this.#lost = new Error('The database was moved, removed or replaced.');
		clearTimeout(this.#watchdog);
		void this.#worker.terminate();
		for (const pending of this.#pending.values()) pending.reject(this.#lost);
		this.#pending.clear();
		this.#options.onDisplaced?.();
	}

	/** Times the call that is being worked on: the oldest. */
	#watch(): void {
		clearTimeout(this.#watchdog);
		const [id, oldest] = this.#pending.entries().next().value ?? [];
		if (id === undefined || oldest === undefined || this.#closing) return;
		const limit = this.#opened ? limitOf(oldest.request, this.#options.timeout) : openingTime;
		this.#watchdog = setTimeout(() => {
			this.#pending.delete(id);
			oldest.reject(overtime(limit));
			this.#reason = `a call ran for longer than ${limit / 1000} s`;
			void this.#worker.terminate();
		}, limit);
	}

	/**
	 * Nothing that was acknowledged is lost with the thread, and what it had not begun waits for the next one. What was under
	 * way may or may not have been committed.
	 */
	#exited(worker: Worker, failure: Error | null): void {
		if (worker !== this.#worker || this.#lost !== null || (this.#closing && this.#pending.size === 0)) return;
		clearTimeout(this.#watchdog);
		const reason = this.#reason ?? failure?.message ?? null;
		this.#reason = null;
		const error = new DatabaseError('the database stopped while it worked on this', '57P02', reason);
		const cause = reason === null ? error : (failure ?? new Error(reason));
		const begun = Number(Atomics.load(this.#begun, 0));
		const waiting: Pending[] = [];
		for (const [id, pending] of this.#pending) {
			if (this.#opened && id > begun) waiting.push(pending);
			else pending.reject(this.#opened ? error : cause);
		}
		this.#pending.clear();
		// A thread that never opened the database would not do so the next time either.
		const replace = this.#opened && (!this.#closing || waiting.length > 0);
		if (!replace) {
			this.#lost = cause;
			this.#options.onLost?.(cause);
			return;
		}
		this.#opened = false;
		this.#options.onStopped?.(reason ?? 'its thread ended without saying why');
		this.#worker = this.#start();
		for (const channel of this.#listeners.keys()) void this.#call({call: 'listen', channel}).catch(() => undefined);
		for (const pending of waiting) this.#post(pending);
	}
}

function limitOf(request: Request, longest: number): number {
	return 'scope' in request ? timeLimit(request.scope, longest) : longest;
}

/** In PostgreSQL's words. */
function overtime(limit: number): DatabaseError {
	const hint = `Ask for less at once: this may run for ${limit / 1000} s.`;
	return new DatabaseError('canceling statement due to statement timeout', '57014', null, hint);
}

function toError({message, code, details, hint}: WorkerFailure): Error {
	return code === null ? new Error(message) : new DatabaseError(message, code, details, hint);
}
