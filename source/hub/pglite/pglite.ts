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
import {DurableFiles, type DurableFilesEvents} from './durable-files.ts';
import {directoryLock} from './held-directory.ts';
import {divideOpenFiles} from '../files/open-files.ts';
import {asText, quoteIdentifier, scopeStatements, setStatement} from '../database/session.ts';
import {splitStatements} from '../database/split-statements.ts';

/** Only these come back parsed; everything else keeps PostgreSQL's own text, so that no digit of a bigint is lost. */
const parsed = new Set<number>([types.BOOL, types.INT2, types.INT4, types.FLOAT4, types.FLOAT8]);

/** PostgreSQL itself reads every value from its text; PGlite's own conversions would refuse or change some. */
const serializers = new Proxy<Record<number, (value: unknown) => string>>({}, {get: () => asText});

// With `-F`, as PGlite starts by default, PostgreSQL never calls fsync. The log is kept small: it is one user's database.
const startParams = [
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

// Only for a directory that is not initialised yet. Segments of 16 MB would make a new database three times as large.
const initDbStartParams = ['--wal-segsize=1'];

/**
 * What a script may have left in the one session that everyone shares. Not DISCARD ALL: that would end the LISTENs, and
 * refuses to run where a script could not have anyway.
 */
const cleanSession =
	'reset session authorization; reset all; close all; deallocate all; discard temp; discard sequences; select pg_advisory_unlock_all();';

export interface PgliteOptions extends Pick<DurableFilesEvents, 'onSync'> {
	/** The data directory; initialised when it is empty or absent. Null: a new database in memory. */
	readonly directory?: string | null;
	/** What a new database in memory holds: files as PGlite dumps them. */
	readonly files?: Blob;
	/** As DurableFiles has it; `reason`: PostgreSQL's own words, where it said any. */
	readonly onAbort?: ((reason: string) => void) | undefined;
	/** That of another thread, which need not be compiled again. */
	readonly module?: WebAssembly.Module | null;
}

/** The Database port on PGlite, in this thread. One session: everyone waits in one queue. */
export class PgliteDatabase implements Database {
	readonly #pglite: PGlite;
	readonly #directory: string | null;
	readonly #listeners = new Map<string, Set<(payload: string) => void>>();
	/** What cancels a statement from another thread; null where the memory is not shared. */
	readonly interrupt: Interrupt | null;
	/** What runs, as it was compiled; null where the memory is not shared. */
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
		this.#directory = directory;
		for (const oid of Object.keys(pglite.parsers)) {
			if (!parsed.has(Number(oid))) pglite.parsers[oid] = text => text;
		}
		pglite.onNotification((channel, payload) => {
			for (const listener of this.#listeners.get(channel) ?? []) listener(payload);
		});
	}

	/** Rejects with what PostgreSQL said when it does not start. */
	static async open({
		directory = null,
		files,
		onAbort,
		onSync,
		module: compiled = null,
	}: PgliteOptions = {}): Promise<PgliteDatabase> {
		// initdb starts PostgreSQL in a memory of its own, which is none that is shared.
		const memory = directory !== null && existsSync(join(directory, 'PG_VERSION')) ? sharedMemory() : null;
		const module = memory === null ? null : (compiled ?? (await sharingModule()));
		let complaint = '';
		const events: DurableFilesEvents = {
			onSync,
			...(onAbort === undefined ? {} : {onAbort: what => onAbort(complaint || `PostgreSQL aborted: ${String(what)}`)}),
		};
		const place =
			directory === null ? files && {loadDataDir: files} : {fs: new DurableFiles(directory, {...events, memory})};
		const onStderr = (line: string): boolean => {
			complaint = /(?:FATAL|PANIC): +(.+)/.exec(line)?.[1] ?? complaint;
			return false;
		};
		try {
			const pglite = await PGlite.create({
				...place,
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
	 * As `run`. `isCancelled` is asked before the commit, from which on nothing may cancel the call: between the commit and the
	 * answer an interrupt would make a failure of what was done.
	 */
	runUnless(isCancelled: () => boolean, scope: Scope, statements: readonly Statement[]): Promise<Result[]> {
		return this.#inTurn(async () => {
			await this.#pglite.exec('begin');
			try {
				for (const statement of scopeStatements(scope)) await this.#query(statement);
				const results: Result[] = [];
				for (const statement of statements) results.push(await this.#query(statement));
				if (isCancelled()) throw new DatabaseError('canceling statement due to user request', canceled);
				await this.#pglite.exec('commit');
				return results;
			} catch (error) {
				await this.#uncancelled('rollback');
				throw error;
			}
		});
	}

	script(scope: Scope, sql: string): Promise<Result[]> {
		return this.#inTurn(async () => {
			try {
				return scope.readOnly === true ? await this.#runReadOnly(scope, sql) : await this.#runScript(scope, sql);
			} finally {
				if (this.#pglite.isInTransaction()) await this.#uncancelled('rollback');
				await this.#uncancelled(cleanSession);
				for (const channel of this.#listeners.keys()) await this.#uncancelled(`listen ${quoteIdentifier(channel)}`);
			}
		});
	}

	/** All statements in one go, which PostgreSQL makes one transaction of unless they say otherwise. */
	async #runScript(scope: Scope, sql: string): Promise<Result[]> {
		await this.#query(setStatement(scope, false));
		const next = await this.#query({text: 'select pg_snapshot_xmax(pg_current_snapshot())::text as xid'});
		try {
			const results = await this.#pglite.exec(sql);
			return results.map(result => toResult(result as Results<Record<string, unknown>>));
		} catch (error) {
			const {message, code} = error as Error & Report;
			if (code !== canceled || !(await this.#isCommitted(next.rows[0]?.['xid']))) throw error;
			// The interrupt came between the commit and the answer.
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

	/** One by one in the extended protocol, which takes no two at once: none can run after a COMMIT that it hides. */
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
	 * Copies the data directory to a folder that does not exist. Everyone waits meanwhile, so the copy is of one moment; where
	 * the file system can, it shares the blocks (reflink) and takes no time.
	 */
	async copyTo(folder: string): Promise<void> {
		const directory = this.#directory;
		if (directory === null) throw new Error('A database in memory has no files.');
		await this.#inTurn(async () => {
			await this.#pglite.exec('checkpoint');
			mkdirSync(folder, {mode: 0o700});
			for (const name of readdirSync(directory)) {
				// To close a copy's source would give up its lock (lock.ts).
				if (name === directoryLock) continue;
				cpSync(join(directory, name), join(folder, name), {recursive: true, mode: constants.COPYFILE_FICLONE});
			}
		});
	}

	/** Waits for what is under way, then shuts PostgreSQL down with a checkpoint. */
	async close(): Promise<void> {
		await this.#inTurn(() => this.#pglite.close());
	}

	/** Runs what must be done after a call that may have been cancelled a moment too late, which cancels this. */
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

/** SQLSTATE of a statement that was cancelled. */
const canceled = '57014';

/** Detail of the error of a script that was cancelled too late. */
export const committed = 'It had been committed.';

/** The fields of an ErrorResponse that PGlite hands on. */
interface Report {
	readonly code?: unknown;
	readonly severity?: string;
	readonly detail?: string;
	readonly hint?: string;
}

function toDatabaseError(error: unknown): unknown {
	if (!(error instanceof Error) || error instanceof DatabaseError) return error;
	const {code, severity, detail, hint} = error as Error & Report;
	// After these PostgreSQL would end its process; that is no answer to a query.
	if (typeof code !== 'string' || code.length !== 5 || severity === 'FATAL' || severity === 'PANIC') return error;
	return new DatabaseError(error.message, code, detail ?? null, hint ?? null);
}
