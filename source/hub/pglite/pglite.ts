import {constants, cpSync, existsSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {PGlite, types, type Results} from '@electric-sql/pglite';
import {
	DatabaseError,
	notInTransaction,
	type Database,
	type Result,
	type Scope,
	type Statement,
} from '../database/database.ts';
import {interruptOf, sharedMemory, sharingModule, type Interrupt} from './interrupt.ts';
import {refuseHarm, refusingSettings} from './refusals.ts';
import {Pipeline} from './pipeline.ts';
import {DurableFiles, type DurableFilesEvents} from './durable-files.ts';
import {directoryLock} from './held-directory.ts';
import {divideOpenFiles} from '../files/open-files.ts';
import {asText, quoteIdentifier, scopeStatements, setStatement} from '../database/session.ts';
import {splitStatements} from '../database/split-statements.ts';

/** The types whose values are parsed. All others stay in PostgreSQL's text form, so that no digit of a bigint is lost. */
const parsed = new Set<number>([types.BOOL, types.INT2, types.INT4, types.FLOAT4, types.FLOAT8]);

/** Values are sent as text, which PostgreSQL parses; PGlite's conversions would reject or change some. */
const serializers = new Proxy<Record<number, (value: unknown) => string>>({}, {get: () => asText});

// PGlite's default `-F` disables fsync. The write-ahead log is kept small, because the database serves one user.
export const startParams = [
	...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
	...[
		'wal_sync_method=fsync',
		'shared_buffers=16MB',
		'max_wal_size=64MB',
		'min_wal_size=32MB',
		'max_stack_depth=1MB',
		`max_files_per_process=${divideOpenFiles().database}`,
		...refusingSettings,
	].flatMap(setting => ['-c', setting]),
];

// For new directories: with segments of 16 MB, a new database would be three times as large.
const initDbStartParams = ['--wal-segsize=1'];

/** Cleans up after a script in the session that all callers share. DISCARD ALL would also end the LISTENs. */
const cleanSession =
	'reset session authorization; reset all; close all; deallocate all; discard temp; discard sequences; select pg_advisory_unlock_all();';

const begin: Statement = {text: 'begin'};
const commit: Statement = {text: 'commit'};
/** The commit then does not wait for the disk. */
const withoutSync: Statement = {text: 'set local synchronous_commit to off'};
/** Writes a record that nothing reads, and waits until it and everything before it is on the disk. */
const flush: Statement = {text: `select pg_catalog.pg_logical_emit_message(false, '', '', true)`};

export interface PgliteOptions extends Pick<DurableFilesEvents, 'onSync'> {
	/** The data directory; initialized if it is empty or missing. Null: a new database in memory. */
	readonly directory?: string | null;
	/** The initial files of a database in memory, as dumped by PGlite. */
	readonly files?: Blob;
	/** As in DurableFiles. `reason`: PostgreSQL's own message, if there was one. */
	readonly onAbort?: ((reason: string) => void) | undefined;
	/** PGlite's compiled module from an earlier thread, to save time. */
	readonly module?: WebAssembly.Module | null | Promise<WebAssembly.Module | null>;
}

/** Implements Database with PGlite in this thread. There is one session, so calls wait in one queue. */
export class PgliteDatabase implements Database {
	readonly #pglite: PGlite;
	readonly #directory: string | null;
	readonly #pipeline: Pipeline;
	readonly #listeners = new Map<string, Set<(payload: string) => void>>();
	/** Lets another thread cancel a statement; null if the memory is not shared. */
	readonly interrupt: Interrupt | null;
	/** The compiled module; null if the memory is not shared. */
	readonly module: WebAssembly.Module | null;
	#queue: Promise<unknown> = Promise.resolve();

	private constructor(
		pglite: PGlite,
		directory: string | null,
		{interrupt, module}: Pick<PgliteDatabase, 'interrupt' | 'module'>,
	) {
		this.interrupt = interrupt;
		this.module = module;
		this.#pglite = pglite;
		this.#pipeline = new Pipeline(pglite, parsed);
		this.#directory = directory;
		for (const oid of Object.keys(pglite.parsers)) {
			if (!parsed.has(Number(oid))) pglite.parsers[oid] = text => text;
		}
		pglite.onNotification((channel, payload) => {
			for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
		});
	}

	/** Rejects with PostgreSQL's message if it does not start. */
	static async open({
		directory = null,
		files,
		onAbort,
		onSync,
		module: compiled = null,
	}: PgliteOptions = {}): Promise<PgliteDatabase> {
		// initdb runs PostgreSQL in a memory of its own, so a new directory cannot use a shared one.
		const memory = directory !== null && existsSync(join(directory, 'PG_VERSION')) ? sharedMemory() : null;
		const module = memory === null ? null : ((await compiled) ?? (await sharingModule()));
		let complaint = '';
		const events: DurableFilesEvents = {
			onSync,
			...(onAbort === undefined ? {} : {onAbort: what => onAbort(complaint || `PostgreSQL aborted: ${String(what)}`)}),
		};
		const storage =
			directory === null ? files && {loadDataDir: files} : {fs: new DurableFiles(directory, {...events, memory})};
		const onStderr = (line: string): boolean => {
			complaint = /(?:FATAL|PANIC): +(.+)/.exec(line)?.[1] ?? complaint;
			return false;
		};
		try {
			const pglite = await PGlite.create({
				...storage,
				...(module === null ? {} : {pgliteWasmModule: module}),
				startParams,
				initDbStartParams,
				onStderr,
			});
			refuseHarm(pglite);
			const interrupt = memory === null ? null : interruptOf(pglite, memory);
			return new PgliteDatabase(pglite, directory, {interrupt, module});
		} catch (cause) {
			throw complaint === '' ? cause : new Error(complaint, {cause});
		}
	}

	run(scope: Scope, statements: readonly Statement[]): Promise<Result[]> {
		return this.runUnless(() => false, scope, statements);
	}

	/**
	 * As `run`, but rolls back if `isCancelled` returns true just before the commit. From then on, nothing may cancel the call: an interrupt
	 * between the commit and the response would report a failure although it was committed. If `isLater` returns true, the commit is not
	 * durable before `flush`, and nobody may be told of it until then.
	 */
	runUnless(
		isCancelled: () => boolean,
		scope: Scope,
		statements: readonly Statement[],
		isLater: () => boolean = () => false,
	): Promise<Result[]> {
		return this.#inTurn(async () => {
			if (scope.isBare === true && scope.readOnly !== true) {
				const results = await this.#pipeline.run(statements);
				if (isCancelled()) throw new DatabaseError('canceling statement due to user request', canceled);
				return results;
			}
			try {
				const results = await this.#begin(scope, statements);
				if (isCancelled()) throw new DatabaseError('canceling statement due to user request', canceled);
				await this.#pipeline.run(isLater() ? [withoutSync, commit] : [commit]);
				return results;
			} catch (error) {
				await this.#uncancelled('rollback');
				throw error;
			}
		});
	}

	/** Makes all earlier commits durable. */
	flush(): Promise<unknown> {
		return this.#inTurn(() => this.#pipeline.run([flush]));
	}

	/** Runs the statements in a transaction, which stays open. */
	async #begin(scope: Scope, statements: readonly Statement[]): Promise<Result[]> {
		// A function of the owner's may have set it to off for the session, which all callers share.
		const settings = {...scope.settings, synchronous_commit: 'on'};
		const first = [begin, ...scopeStatements({...scope, settings})];
		const all = [...first, ...statements.map(statement => ({...statement, role: scope.role}))];
		const results = await this.#pipeline.run(all).catch(async (error: unknown) => {
			if (!isStale(error as Error & Report)) throw error;
			await this.#uncancelled('rollback');
			this.#pipeline.forget();
			return this.#pipeline.run(all);
		});
		return results.slice(first.length);
	}

	script(scope: Scope, sql: string): Promise<Result[]> {
		return this.#inTurn(async () => {
			try {
				return scope.readOnly === true ? await this.#runReadOnly(scope, sql) : await this.#runScript(scope, sql);
			} finally {
				if (this.#pglite.isInTransaction()) await this.#uncancelled('rollback');
				await this.#uncancelled(cleanSession);
				this.#pipeline.forget();
				for (const channel of this.#listeners.keys()) await this.#uncancelled(`listen ${quoteIdentifier(channel)}`);
			}
		});
	}

	/** Sends all statements at once; PostgreSQL runs them in one transaction, unless they contain transaction commands. */
	async #runScript(scope: Scope, sql: string): Promise<Result[]> {
		await this.#query(setStatement(scope, false));
		const next = await this.#query({text: 'select pg_snapshot_xmax(pg_current_snapshot())::text as xid'});
		try {
			const results = await this.#pglite.exec(sql);
			return results.map(result => toResult(result as Results<Record<string, unknown>>));
		} catch (error) {
			const {message, code} = error as Error & Report;
			if (code !== canceled || !(await this.#isCommitted(next.rows[0]?.['xid']))) throw error;
			// The interrupt came between the commit and the response.
			throw new DatabaseError(message, canceled, committed);
		}
	}

	async #isCommitted(xid: unknown): Promise<boolean> {
		if (this.#pglite.isInTransaction()) return false;
		await this.#uncancelled('reset role');
		const {rows} = await this.#query({
			text: 'select $1::xid8 < pg_snapshot_xmax(pg_current_snapshot()) and pg_xact_status($1::xid8) = $2 as done',
			values: [xid, 'committed'],
		});
		return rows[0]?.['done'] === true;
	}

	/** One by one in the extended protocol, which accepts only single statements: none can follow a hidden COMMIT. */
	async #runReadOnly(scope: Scope, sql: string): Promise<Result[]> {
		await this.#pglite.exec('begin');
		for (const statement of scopeStatements(scope)) await this.#query(statement);
		const results: Result[] = [];
		for (const text of splitStatements(sql)) {
			results.push(await this.#query({text}));
			if (this.#pglite.isInTransaction()) continue;
			throw notInTransaction();
		}
		return results;
	}

	async listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
		const listeners = this.#listeners.get(channel) ?? new Set();
		this.#listeners.set(channel, listeners.add(listener));
		await this.#inTurn(() => this.#pglite.exec(`listen ${quoteIdentifier(channel)}`));
		return async () => {
			listeners.delete(listener);
			if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
			this.#listeners.delete(channel);
			await this.#inTurn(() => this.#pglite.exec(`unlisten ${quoteIdentifier(channel)}`));
		};
	}

	/**
	 * Copies the data directory to a new folder. All calls wait meanwhile, so the copy is consistent; with reflinks, if the file system
	 * supports them, it takes hardly any time.
	 */
	async copyTo(folder: string): Promise<void> {
		const directory = this.#directory;
		if (directory === null) throw new Error('A database in memory has no files.');
		await this.#inTurn(async () => {
			await this.#pglite.exec('checkpoint');
			mkdirSync(folder, {mode: 0o700});
			for (const name of readdirSync(directory)) {
				// Opening and closing the file would release its lock (lock.ts).
				if (name === directoryLock) continue;
				cpSync(join(directory, name), join(folder, name), {recursive: true, mode: constants.COPYFILE_FICLONE});
			}
		});
	}

	/** Waits for running calls, then shuts PostgreSQL down with a checkpoint. */
	async close(): Promise<void> {
		await this.#inTurn(() => this.#pglite.close());
	}

	/** Runs cleanup after a call. A late cancellation of the call may hit the cleanup instead; then it runs again. */
	async #uncancelled(sql: string): Promise<void> {
		try {
			await this.#pglite.exec(sql);
		} catch (error) {
			if ((error as Report).code !== canceled) throw error;
			await this.#pglite.exec(sql);
		}
	}

	async #query({text, values}: Statement): Promise<Result> {
		return toResult(await this.#pglite.query<Record<string, unknown>>(text, [...(values ?? [])], {serializers}));
	}

	#inTurn<T>(work: () => Promise<T>): Promise<T> {
		const turn = this.#queue.then(work).catch((error: unknown) => {
			throw toDatabaseError(error);
		});
		this.#queue = turn.catch(() => undefined);
		return turn;
	}
}

function toResult({rows, fields, rowCount}: Results<Record<string, unknown>>): Result {
	return {rows, fields, count: rowCount ?? rows.length};
}

/** Whether a prepared statement has to be prepared again: someone's SQL removed it, or a column that it returns has another type now. */
function isStale({code, message}: Error & Report): boolean {
	return code === '26000' || (code === '0A000' && message === 'cached plan must not change result type');
}

/** SQLSTATE of a statement that was cancelled. */
const canceled = '57014';

/** The DETAIL of the error for a script that was cancelled too late. */
export const committed = 'It had been committed.';

/** The fields of an ErrorResponse, as PGlite passes them on. */
interface Report {
	readonly code?: unknown;
	readonly severity?: string;
	readonly detail?: string;
	readonly hint?: string;
}

function toDatabaseError(error: unknown): unknown {
	if (!(error instanceof Error) || error instanceof DatabaseError) return error;
	const {code, severity, detail, hint} = error as Error & Report;
	// After FATAL and PANIC, PostgreSQL ends its process: that is not the result of a query.
	if (typeof code !== 'string' || code.length !== 5 || severity === 'FATAL' || severity === 'PANIC') return error;
	return new DatabaseError(error.message, code, detail ?? null, hint ?? null);
}
