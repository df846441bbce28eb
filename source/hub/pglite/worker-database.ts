import type {Worker} from 'node:worker_threads';
import {DatabaseError, Runaway, type Database, type Result, type Scope, type Statement} from '../database/database.ts';
import {cancelCall} from './cancelling.ts';
import {openIn, startWaitingThread, type WaitingThread} from './database-thread.ts';
import type {Interrupt} from './interrupt.ts';
import {limitOf, overtime, PendingCall, type Request} from './pending-call.ts';
import {Progress} from './progress.ts';
import type {Notice, WorkerAnswer} from './worker-messages.ts';

export interface WorkerDatabaseOptions {
	/** The initialized data directory; null for a new database in memory. */
	readonly directory: string | null;
	/**
	 * Milliseconds that a call may run; less for some roles (time-limits.ts). PGlite ignores statement_timeout, so the call is cancelled
	 * here.
	 */
	readonly timeout: number;
	/** A thread that was started before; by default, one is started now. */
	readonly thread?: WaitingThread | undefined;
	/** Called when the thread has died, and another one opens the database. */
	readonly onStopped?: (reason: string) => void;
	/** Called when the thread has died and could not be replaced. */
	readonly onLost?: (error: Error) => void;
	/** Whether the directory is still at its path; checked before each response. */
	readonly isInPlace?: () => boolean;
	/** Called when it is not; from then on, nothing is answered or written, not even a checkpoint. */
	readonly onDisplaced?: () => void;
}

/** Milliseconds for opening a database, which may have much to recover: all that an interrupted migration wrote. */
const openingTime = 3_600_000;

/** Implements Database with PGlite in a separate thread. */
export class WorkerDatabase implements Database {
	readonly #options: WorkerDatabaseOptions;
	readonly #pending = new Map<number, PendingCall>();
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
		this.#worker = this.#start(options.thread);
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
		const pending = new PendingCall(request);
		if (signal !== undefined) pending.listen(signal, reason => void this.#cancel(pending, reason));
		this.#post(pending);
		return pending.results;
	}

	#post(pending: PendingCall): void {
		const id = ++this.#lastId;
		this.#pending.set(id, pending);
		if (this.#pending.size === 1) this.#watch();
		this.#worker.postMessage({...pending.request, id});
	}

	#start(waiting?: WaitingThread): Worker {
		// A database in memory shares none.
		const isCompiled = this.#module !== null || this.#options.directory === null;
		const thread = waiting ?? startWaitingThread(isCompiled ? this.#module : undefined);
		const ended = Promise.withResolvers<void>();
		this.#ended = ended.promise;
		openIn(
			thread,
			{options: {directory: this.#options.directory}, progress: this.#progressCells},
			{
				onAnswer: answer => this.#onAnswer(answer),
				onExit: (worker, failure) => {
					ended.resolve();
					this.#exited(worker, failure);
				},
			},
		);
		return thread.worker;
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
		if ('begun' in answer) return this.#watchCall(answer.begun);
		if ('notices' in answer) this.#pass(answer.notices ?? []);
		if (!('id' in answer)) return;
		const pending = this.#pending.get(answer.id);
		this.#pending.delete(answer.id);
		this.#watch();
		if (pending === undefined) return;
		if ('results' in answer) pending.resolve(answer.results);
		else pending.fail(answer.failure);
	}

	#pass(notices: readonly Notice[]): void {
		for (const [channel, payload] of notices) {
			for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
		}
	}

	/** Fails all calls, because the directory is no longer the database. */
	#abandon(): void {
		this.#lost = new Error('The database was moved, removed or replaced.');
		clearTimeout(this.#watchdog);
		void this.#worker.terminate();
		for (const pending of this.#pending.values()) pending.reject(this.#lost);
		this.#pending.clear();
		this.#options.onDisplaced?.();
	}

	/** Sets the timeout for the running call: the oldest, unless the thread says otherwise. */
	#watch(): void {
		const [oldest] = this.#pending.keys();
		if (oldest === undefined) clearTimeout(this.#watchdog);
		else this.#watchCall(oldest);
	}

	#watchCall(id: number): void {
		clearTimeout(this.#watchdog);
		const pending = this.#pending.get(id);
		if (pending === undefined) return;
		const limit = this.#opened ? limitOf(pending.request, this.#options.timeout) : openingTime;
		if (limit === Infinity) return;
		this.#watchdog = setTimeout(() => {
			if (this.#opened) void this.#cancel(pending, overtime(limit));
			else this.#end(id, pending, overtime(limit));
		}, limit);
	}

	async #cancel(pending: PendingCall, why: Error): Promise<void> {
		if (pending.cancelled !== null) return;
		pending.cancelled = why;
		const id = await cancelCall({
			progress: this.#progress,
			idOf: () => [...this.#pending].find(([, other]) => other === pending)?.[0],
			interruptOf: () => (this.#opened ? this.#interrupt : undefined),
		});
		if (id !== null) this.#end(id, pending, why);
	}

	#unready(): void {
		if (this.#isReady) this.#ready = Promise.withResolvers();
		this.#isReady = false;
	}

	/** Ends the thread during a call. */
	#end(id: number, pending: PendingCall, why: Error): void {
		this.#pending.delete(id);
		this.#unready();
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
		const waiting: PendingCall[] = [];
		for (const [id, pending] of this.#pending) {
			if (this.#opened && id > begun) waiting.push(pending);
			else pending.reject(this.#opened ? error : cause);
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
