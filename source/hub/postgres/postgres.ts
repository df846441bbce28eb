import pg from 'pg';
import {DatabaseError, Runaway, type Database, type Result, type Scope, type Statement} from '../database/database.ts';
import {pausedCode} from '../database/pauses.ts';
import type {PostgresAddress} from '../database/postgres-url.ts';
import {scopeStatements, setStatement} from '../database/session.ts';
import {lockLimit, statementLimit, timeLimit} from '../database/time-limits.ts';
import {describeBlocker, PostgresBlockers, type RunningCall} from './blockers.ts';
import {Call} from './call.ts';
import {isCanceled, translated} from './errors.ts';
import {PostgresListener} from './listener.ts';
import {runPipelined} from './pipelined.ts';
import {Pool, reset} from './pool.ts';
import {query, runReadOnly, toResult, types} from './query.ts';
import {mark, Runaways} from './runaways.ts';
import {SideConnection} from './side-connection.ts';
import {readSql} from '../files/read-sql.ts';

const defaultSilence = 10_000;
/** The longest time of a timer, in milliseconds: node-postgres takes 0 for the limit of its pool. */
const maxTimer = 2 ** 31 - 1;
/**
 * Lets the server notice within a second that a hub was killed. It would complete the migration otherwise, and the next hub would fail
 * because of its locks. Servers before PostgreSQL 14 and on Windows cannot.
 */
const endWithClient = readSql(new URL('end-with-client.sql', import.meta.url));

export interface PostgresOptions {
	/** Called with null when notifications arrive again, and with the reason when they do not; not before they first did. */
	readonly onListening?: (reason: string | null) => void;
	/** Called for each call that waits for a lock, and for each that cannot be cancelled. */
	readonly onStuck?: (sentence: string) => void;
	/** Milliseconds that a statement may run; default two minutes. */
	readonly timeout?: number;
	/** Milliseconds that a call waits for a connection, and that a connection may be silent; default ten seconds. */
	readonly maxSilence?: number;
}

/** Implements Database with a PostgreSQL server. The role `postgres`, the owner, is the user in the URL. */
export class PostgresDatabase implements Database {
	readonly #pool: Pool;
	readonly #listener: PostgresListener;
	readonly #side: SideConnection;
	readonly #blockers: PostgresBlockers;
	/** The calls that keep running in the server although they were cancelled. */
	readonly runaways: Runaways;
	readonly #config: pg.ClientConfig;
	readonly #timeout: number;
	/** Roles that the server's user cannot assume, with the roles that replace them. */
	readonly #standIns = new Map<string, string>([['postgres', 'none']]);

	private constructor(
		config: pg.ClientConfig,
		{
			onListening = () => undefined,
			onStuck = () => undefined,
			timeout = statementLimit,
			maxSilence = defaultSilence,
		}: PostgresOptions,
	) {
		this.#timeout = timeout;
		this.#config = {...config, types, keepAlive: true, application_name: 'agentmux hub'};
		this.#pool = new Pool(this.#config, {timeout, maxSilence});
		this.#listener = new PostgresListener(this.#config, maxSilence, onListening);
		const watching = {...this.#config, query_timeout: maxSilence, connectionTimeoutMillis: maxSilence};
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
		const before = mark(scope);
		const first = [{text: 'begin'}, ...scopeStatements(this.#own(scope))];
		const marked = statements.map(({text, values = []}) => ({text: `${before}${text}`, values}));
		return this.#with(
			scope,
			signal,
			async client => {
				const results = await runPipelined(client, [...first, ...marked, {text: 'commit'}]);
				return results.slice(first.length, -1);
			},
			null,
		);
	}

	async script(scope: Scope, sql: string, signal?: AbortSignal): Promise<Result[]> {
		if (scope.readOnly === true) return this.#transaction(scope, signal, client => runReadOnly(client, sql));
		return this.#with(scope, signal, async client => {
			await query(client, setStatement(this.#own(scope), false));
			if (scope.isUnlimited === true) await client.query(endWithClient);
			const text: pg.QueryConfig & {query_timeout?: number} = {
				text: sql,
				...(scope.isUnlimited === true ? {query_timeout: maxTimer} : {}),
			};
			const results: unknown = await client.query(text);
			return (Array.isArray(results) ? results : [results]).map(toResult);
		});
	}

	listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
		return this.#listener.listen(channel, listener);
	}

	/** A separate connection, which the caller must end. */
	async connect(): Promise<pg.Client> {
		const client = new pg.Client({...this.#config, lock_timeout: lockLimit});
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
		const ended = Promise.all([this.#listener.close(), this.#side.close(), this.#pool.close()]);
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

	/**
	 * Runs `work` with a connection, and resets the connection afterwards, except after a transaction. `first`: a statement with which the
	 * connection shows that it responds; null if `work` is a transaction that begins by itself.
	 */
	async #with<T>(
		scope: Scope,
		signal: AbortSignal | undefined,
		work: (client: pg.PoolClient) => Promise<T>,
		first: 'select' | 'begin' | null = 'select',
	): Promise<T> {
		const client = await this.#pool.connect(first);
		const call = new Call(client, scope, {
			limit: scope.role === 'postgres' ? null : timeLimit(scope, this.#timeout),
			onCancel: process => void this.#blockers.cancel(process),
		});
		const abort = (): void => call.cancel(signal?.reason as Error);
		const unwatch = this.#blockers.watch(call);
		signal?.addEventListener('abort', abort, {once: true});
		const end = (): void => {
			call.end();
			unwatch();
			signal?.removeEventListener('abort', abort);
		};
		try {
			// It may have been aborted while it waited for a connection, before there was a listener.
			signal?.throwIfAborted();
			const result = await work(client);
			end();
			// A cancellation that is still on its way would hit the next call.
			const isClean = call.cancelled === null && (first !== 'select' || (await reset(client)));
			this.#pool.release(client, isClean);
			return result;
		} catch (error) {
			end();
			const {cancelled} = call;
			if (call.isAbandoned && cancelled !== null) {
				this.#pool.release(client, false);
				this.runaways.add(call.process, scope, call.begun);
				throw new Runaway(cancelled);
			}
			const failure = blocked(translated(error), call);
			// An earlier statement of the agent still runs, maybe one that nobody here has given up.
			if (failure instanceof DatabaseError && failure.code === pausedCode) void this.runaways.look();
			const isClean = cancelled === null && failure instanceof DatabaseError && (await reset(client));
			this.#pool.release(client, isClean);
			throw cancelled !== null && isCanceled(failure) ? cancelled : failure;
		}
	}

	/** The scope with a role that the server's user can assume, and with the time limit of the role. */
	#own(scope: Scope): Scope {
		const limit = timeLimit(scope, this.#timeout);
		const timeout = limit === Infinity ? 0 : limit;
		const settings = limit === this.#timeout ? scope.settings : {...scope.settings, statement_timeout: String(timeout)};
		return {
			...scope,
			role: this.#standIns.get(scope.role) ?? scope.role,
			...(settings === undefined ? {} : {settings}),
		};
	}
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
