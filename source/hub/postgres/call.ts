import type pg from 'pg';
import type {Scope} from '../database/database.ts';
import type {Blocker, RunningCall} from './blockers.ts';
import {overtime} from './errors.ts';

/**
 * Milliseconds within which a cancelled statement must end. PostgreSQL checks for interrupts many times a second, except in a few functions
 * on long texts; then the connection is abandoned.
 */
const cancellingTime = 2000;

interface CallOptions {
	/** Milliseconds that the statement may run by the server's own limit; null for no limit. */
	readonly limit: number | null;
	/** Asks the server to cancel the statement of a process. */
	readonly onCancel: (process: number) => void;
}

/** A call while it runs on a connection. */
export class Call implements RunningCall {
	readonly process: number;
	readonly scope: Scope;
	readonly begun = performance.now();
	blocker: Blocker | null = null;
	readonly #client: pg.PoolClient;
	readonly #onCancel: CallOptions['onCancel'];
	readonly #limitIgnored: NodeJS.Timeout | undefined;
	#cancelled: Error | null = null;
	#isAbandoned = false;
	#isOver = false;
	#overdue: NodeJS.Timeout | undefined;

	constructor(client: pg.PoolClient, scope: Scope, {limit, onCancel}: CallOptions) {
		this.process = processOf(client);
		this.scope = scope;
		this.#client = client;
		this.#onCancel = onCancel;
		// The server's own limit has no effect while it does not check for interrupts.
		if (limit !== null) this.#limitIgnored = setTimeout(() => this.cancel(overtime()), limit + cancellingTime);
	}

	/** Why it was cancelled; null if it was not. */
	get cancelled(): Error | null {
		return this.#cancelled;
	}

	/** Whether its connection was broken, because it did not end when it was cancelled. */
	get isAbandoned(): boolean {
		return this.#isAbandoned;
	}

	cancel(why: Error): void {
		if (this.#isOver || this.#cancelled !== null) return;
		this.#cancelled = why;
		this.#onCancel(this.process);
		this.#overdue = setTimeout(() => {
			this.#isAbandoned = true;
			abandon(this.#client);
		}, cancellingTime);
	}

	/** Ends it: from now on it is not cancelled any more, because the connection is about to run another call. */
	end(): void {
		this.#isOver = true;
		clearTimeout(this.#overdue);
		clearTimeout(this.#limitIgnored);
	}
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
