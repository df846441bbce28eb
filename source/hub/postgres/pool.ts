import pg from 'pg';
import {DatabaseAway} from '../database/database.ts';
import {lockLimit} from '../database/time-limits.ts';
import {translated, unreachable} from './errors.ts';

/**
 * Connections for queries, in addition to the one that listens and, during long calls, the one that checks locks. A server allows 100 by
 * default, and each machine of a team has a hub.
 */
export const connections = 5;
/** Additional connections, reserved for mail and heartbeats. */
export const mailConnections = 2;

/** Milliseconds after which it is checked whether a connection still responds. */
const maxIdle = 1000;

interface PoolOptions {
	/** Milliseconds that a statement may run. */
	readonly timeout: number;
	/** Milliseconds that a call waits for a connection, and that a connection may be silent. */
	readonly maxSilence: number;
}

/** The connections that run calls. */
export class Pool {
	readonly #pool: pg.Pool;
	readonly #maxSilence: number;
	/** performance.now() when a connection was last released. */
	readonly #released = new WeakMap<pg.PoolClient, number>();

	constructor(config: pg.ClientConfig, {timeout, maxSilence}: PoolOptions) {
		this.#maxSilence = maxSilence;
		this.#pool = new pg.Pool({
			...config,
			max: connections + mailConnections,
			idleTimeoutMillis: 30_000,
			connectionTimeoutMillis: maxSilence,
			statement_timeout: timeout,
			lock_timeout: lockLimit,
			idle_in_transaction_session_timeout: timeout,
			// If not even the timeout of the server is reported, the network is down.
			query_timeout: timeout + maxSilence,
		});
		// If a connection breaks, its query fails, and the pool opens another one.
		this.#pool.on('error', () => undefined);
		this.#pool.on('connect', client => client.on('error', () => undefined));
	}

	/**
	 * A connection that has responded to `first`, or, if that is null, within the last second. Idle ones may be dead, because the server was
	 * restarted. Rejects as translated.
	 */
	async connect(first: string | null): Promise<pg.PoolClient> {
		for (let attempt = 0; ; attempt++) {
			const client = await this.#pool.connect().catch((error: unknown) => {
				throw unreachable(error);
			});
			if (first === null && performance.now() - (this.#released.get(client) ?? -Infinity) < maxIdle) return client;
			try {
				// With a short timeout, so that a network that drops everything is noticed here.
				const question: pg.QueryConfig & {query_timeout: number} = {
					text: first ?? 'select',
					query_timeout: this.#maxSilence,
				};
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

	/** Returns a connection; closes it unless it can run the next call. */
	release(client: pg.PoolClient, isClean: boolean): void {
		this.#released.set(client, performance.now());
		client.release(!isClean);
	}

	/** Waits for the calls that are running. */
	async close(): Promise<void> {
		await this.#pool.end();
	}
}

/** Rolls back an open transaction, and resets all settings, roles, temporary tables and locks. Resolves with false if that fails. */
export async function reset(client: pg.PoolClient): Promise<boolean> {
	try {
		await client.query('rollback');
		await client.query('discard all');
		return true;
	} catch {
		return false;
	}
}
