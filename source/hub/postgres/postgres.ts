import pg from 'pg';
import {
	DatabaseAway,
	DatabaseError,
	notInTransaction,
	Runaway,
	type Database,
	type Result,
	type Scope,
	type Statement,
} from '../database/database.ts';
import {describeBlocker, PostgresBlockers, type RunningCall} from './blockers.ts';
import {isCanceled, overtime, translated, unreachable} from './errors.ts';
import {PostgresListener} from './listener.ts';
import {mark, Runaways} from './runaways.ts';
import {SideConnection} from './side-connection.ts';
import {pausedCode} from '../database/pauses.ts';
import type {PostgresAddress} from '../database/postgres-url.ts';
import {asText, scopeStatements, setStatement} from '../database/session.ts';
import {splitStatements} from '../database/split-statements.ts';
import {lockLimit, statementLimit, timeLimit} from '../database/time-limits.ts';

/** The types whose values are parsed, as with PGlite; all others stay in PostgreSQL's text form. */
const {BOOL, INT2, INT4, FLOAT4, FLOAT8} = pg.types.builtins;
const parsed = new Set<number>([BOOL, INT2, INT4, FLOAT4, FLOAT8]);
const types: pg.CustomTypesConfig = {
	getTypeParser: (oid, format) =>
		parsed.has(oid) ? (pg.types.getTypeParser(oid, format) as (text: string) => unknown) : (text: string) => text,
};

/**
 * Connections for queries, in addition to the one that listens and, during long calls, the one that checks locks. A server allows 100 by
 * default, and each machine of a team has a hub.
 */
export const connections = 5;
/** Additional connections, reserved for mail and heartbeats. */
export const mailConnections = 2;
/**
 * Milliseconds within which a cancelled statement must end. PostgreSQL checks for interrupts many times a second, except in a few functions
 * on long texts; then the connection is abandoned.
 */
const cancellingTime = 2000;
/** Milliseconds that a call waits for a connection, and that a connection may be silent. */
const maxSilence = 10_000;

export interface PostgresOptions {
	/** NOTIFYs are heard again (null), or not any more and why; from the first time that they were. */
	readonly onListening?: (reason: string | null) => void;
	/** Is called for each call that waits for a lock, and for what cannot be cancelled. */
	readonly onStuck?: (sentence: string) => void;
	/** Milliseconds that a statement may run; default two minutes. */
	readonly timeout?: number;
	/** Milliseconds that a connection may take to be made, or to show that it still stands; ten seconds when absent. */
	readonly patience?: number;
}

/** Implements Database with a PostgreSQL server. The role `postgres`, the owner, is the user in the URL. */
export class PostgresDatabase implements Database {
	readonly #pool: pg.Pool;
	readonly #listener: PostgresListener;
	readonly #side: SideConnection;
	readonly #blockers: PostgresBlockers;
	/** What computes on in the server although it was cancelled. */
	readonly runaways: Runaways;
	readonly #config: pg.ClientConfig;
	readonly #patience: number;
	readonly #timeout: number;
	/** Roles that the server's user cannot assume, with the roles that replace them. */
	readonly #standIns = new Map<string, string>([['postgres', 'none']]);

	private constructor(
		config: pg.ClientConfig,
		{
			onListening = () => undefined,
			onStuck = () => undefined,
			timeout = statementLimit,
			patience: waitTimeout = maxSilence,
		}: PostgresOptions,
	) {
		this.#patience = waitTimeout;
		this.#timeout = timeout;
		this.#config = {...config, types, keepAlive: true, application_name: 'agentmux hub'};
		this.#pool = new pg.Pool({
			...this.#config,
			max: connections + mailConnections,
			idleTimeoutMillis: 30_000,
			connectionTimeoutMillis: waitTimeout,
			statement_timeout: timeout,
			lock_timeout: lockLimit,
			idle_in_transaction_session_timeout: timeout,
			// If not even the timeout of the server is reported, the network is down.
			query_timeout: timeout + waitTimeout,
		});
		// If a connection breaks, its query fails, and the pool opens another one.
		this.#pool.on('error', () => undefined);
		this.#pool.on('connect', client => client.on('error', () => undefined));
		this.#listener = new PostgresListener(this.#config, waitTimeout, onListening);
		const watching = {...this.#config, query_timeout: waitTimeout, connectionTimeoutMillis: waitTimeout};
		this.#side = new SideConnection(watching);
		this.#blockers = new PostgresBlockers(this.#side, onStuck);
		this.runaways = new Runaways(this.#side, onStuck);
	}

	/** Rejects with the error of the server or the network. */
	static async open({config}: PostgresAddress, options: PostgresOptions = {}): Promise<PostgresDatabase> {
		const database = new PostgresDatabase(config, options);
		try {
			await database.#listener.open();
			return database;
		} catch (error) {
			await database.close();
			throw error;
		}
	}

	/** Runs scopes with this role as the owner from now on. */
	standIn(role: string): void {
		this.#standIns.set(role, 'none');
	}

	run(scope: Scope, statements: readonly Statement[], signal?: AbortSignal): Promise<Result[]> {
		return this.#transaction(scope, signal, async client => {
			const results: Result[] = [];
			const before = mark(scope);
			for (const statement of statements) {
				results.push(await query(client, {...statement, text: `${before}${statement.text}`}));
			}
			return results;
		});
	}

	async script(scope: Scope, sql: string, signal?: AbortSignal): Promise<Result[]> {
		if (scope.readOnly === true) return this.#transaction(scope, signal, client => runReadOnly(client, sql));
		return this.#with(scope, signal, async client => {
			await query(client, setStatement(this.#own(scope), false));
			const results: unknown = await client.query(sql);
			return (Array.isArray(results) ? results : [results]).map(toResult);
		});
	}

	listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
		return this.#listener.listen(channel, listener);
	}

	/** A separate connection, which the caller must end. */
	async connect(): Promise<pg.Client> {
		const client = new pg.Client({...this.#config, lock_timeout: statementLimit});
		client.on('error', () => undefined);
		try {
			await client.connect();
			return client;
		} catch (error) {
			await client.end().catch(() => undefined);
			throw translated(error);
		}
	}

	/** Waits for what is under way, but not for a server that is gone. */
	async close(): Promise<void> {
		this.#blockers.close();
		this.runaways.close();
		const ended = Promise.all([this.#listener.close(), this.#side.close(), this.#pool.end()]);
		await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 5000).unref())]);
	}

	async #transaction<T>(
		scope: Scope,
		signal: AbortSignal | undefined,
		work: (client: pg.PoolClient) => Promise<T>,
	): Promise<T> {
		return this.#with(
			scope,
			signal,
			async client => {
				for (const statement of scopeStatements(this.#own(scope))) await query(client, statement);
				const result = await work(client);
				await client.query('commit');
				return result;
			},
			'begin',
		);
	}

	/** Runs `work` with a connection, and cleans the connection up afterwards. */
	async #with<T>(
		scope: Scope,
		signal: AbortSignal | undefined,
		work: (client: pg.PoolClient) => Promise<T>,
		first = 'select',
	): Promise<T> {
		const client = await this.#connected(first);
		const process = processOf(client);
		let cancelled: Error | null = null;
		let isAbandoned = false;
		let isOver = false;
		let overdue: NodeJS.Timeout | undefined;
		const call: RunningCall = {
			process,
			scope,
			begun: performance.now(),
			blocker: null,
			cancel: why => {
				if (isOver || cancelled !== null) return;
				cancelled = why;
				void this.#blockers.cancel(process);
				overdue = setTimeout(() => {
					isAbandoned = true;
					abandon(client);
				}, cancellingTime);
			},
		};
		// The server's own limit has no effect while it does not check for interrupts.
		const limit = scope.role === 'postgres' ? undefined : timeLimit(scope, this.#timeout);
		const serverLimitIgnored = setTimeout(() => call.cancel(overtime()), (limit ?? 0) + cancellingTime);
		if (limit === undefined) clearTimeout(serverLimitIgnored);
		const abort = (): void => call.cancel(signal?.reason as Error);
		const end = this.#blockers.watch(call);
		signal?.addEventListener('abort', abort, {once: true});
		// After the response, the call must not be cancelled any more: it is done, and the connection is about to run another call.
		const over = (): void => {
			isOver = true;
			clearTimeout(overdue);
			clearTimeout(serverLimitIgnored);
			end();
			signal?.removeEventListener('abort', abort);
		};
		try {
			// It may have been aborted while it waited for a connection, before there was a listener.
			signal?.throwIfAborted();
			const result = await work(client);
			over();
			// A cancellation that is still on its way would hit the next call.
			const isClean = cancelled === null && (first === 'begin' || (await clean(client).then(yes, no)));
			client.release(!isClean);
			return result;
		} catch (error) {
			over();
			if (isAbandoned && cancelled !== null) {
				client.release(true);
				this.runaways.add(process, scope, call.begun);
				throw new Runaway(cancelled);
			}
			const failure = blocked(translated(error), call);
			// An earlier statement of the agent still runs, maybe one that nobody here has given up.
			if (failure instanceof DatabaseError && failure.code === pausedCode) void this.runaways.look();
			const isKept = cancelled === null && failure instanceof DatabaseError;
			const isClean = isKept && (await clean(client).then(yes, no));
			client.release(!isClean);
			throw cancelled !== null && isCanceled(failure) ? cancelled : failure;
		}
	}

	/** A connection that has responded. Idle ones in the pool may be dead, because the server was restarted. */
	async #connected(first: string): Promise<pg.PoolClient> {
		for (let attempt = 0; ; attempt++) {
			const client = await this.#pool.connect().catch((error: unknown) => {
				throw unreachable(error);
			});
			try {
				// With a short timeout, so that a network that drops everything is noticed here.
				const question: pg.QueryConfig & {query_timeout: number} = {text: first, query_timeout: this.#patience};
				await client.query(question);
				return client;
			} catch (error) {
				client.release(true);
				const failure = translated(error);
				const isSilent = error instanceof Error && error.message === 'Query read timeout';
				if (attempt === connections || isSilent || !(failure instanceof DatabaseAway)) throw failure;
			}
		}
	}

	/** The scope with a role that the server's user can assume, and with the time limit of the role. */
	#own(scope: Scope): Scope {
		const limit = timeLimit(scope, this.#timeout);
		const settings = limit < this.#timeout ? {...scope.settings, statement_timeout: String(limit)} : scope.settings;
		return {
			...scope,
			role: this.#standIns.get(scope.role) ?? scope.role,
			...(settings === undefined ? {} : {settings}),
		};
	}
}

/** One by one in the extended protocol, which accepts only single statements: none can follow a hidden COMMIT. */
async function runReadOnly(client: pg.PoolClient, sql: string): Promise<Result[]> {
	const results: Result[] = [];
	for (const text of splitStatements(sql)) {
		results.push(await query(client, {text}));
		if (client.getTransactionStatus() !== 'T') throw notInTransaction();
	}
	return results;
}

async function query(client: pg.PoolClient, {text, values = []}: Statement): Promise<Result> {
	const parameters = values.map(value => (value === null || value === undefined ? null : asText(value)));
	const extended: pg.QueryConfig & {queryMode: 'extended'} = {text, values: parameters, queryMode: 'extended'};
	return toResult(await client.query(extended));
}

/** Rolls back an open transaction, and resets all settings, roles, temporary tables and locks. */
async function clean(client: pg.PoolClient): Promise<void> {
	await client.query('rollback');
	await client.query('discard all');
}

/**
 * Breaks the connection, so that its call fails. The server's process computes on until it next checks for interrupts, for
 * pg_terminate_backend as for pg_cancel_backend. Until then its transaction keeps the lock on the agent's SQL, so that the agent cannot
 * run a second statement (agentmux.agent_role).
 */
function abandon(client: pg.PoolClient): void {
	(client as pg.PoolClient & {readonly connection: {readonly stream: {destroy(): void}}}).connection.stream.destroy();
}

/** The server's process for a connection. The types of node-postgres lack this property. */
function processOf(client: pg.PoolClient): number {
	return (client as pg.PoolClient & {readonly processID: number}).processID;
}

/** For a lock timeout, the same error with the holder of the lock. */
function blocked(error: unknown, {scope, blocker}: RunningCall): unknown {
	if (!(error instanceof DatabaseError) || error.code !== '55P03' || blocker === null) return error;
	return new DatabaseError(
		error.message,
		error.code,
		describeBlocker(scope, blocker),
		'Try again when that transaction has ended.',
	);
}

const yes = (): boolean => true;
const no = (): boolean => false;

function toResult({rows, fields, rowCount}: pg.QueryResult<Record<string, unknown>>): Result {
	return {
		rows,
		fields: fields.map(({name, dataTypeID}) => ({name, dataTypeID})),
		count: rowCount ?? rows.length,
	};
}
