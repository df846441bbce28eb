/** The role, claims and settings that a transaction runs with. */
export interface Scope {
	/** A database role: `anon`, `authenticated`, `service_role`, or `postgres` (the owner, for management calls). */
	readonly role: string;
	/** The verified token's claims: `request.jwt.claims` during the transaction. */
	readonly claims: {readonly [claim: string]: unknown};
	/** The database refuses every write. */
	readonly readOnly?: boolean;
	/** Mail or a heartbeat: small, and does not wait behind its caller's other requests. */
	readonly mail?: boolean;
	/** Its cost is limited by its nature, so it is not cancelled when others are waiting. */
	readonly bounded?: boolean;
	/** SQL written by an agent; each agent may run one at a time. */
	readonly sql?: boolean;
	/**
	 * Whether it is a client's request, which is cancelled when it runs for long while others are waiting. The default is true, except for
	 * the owner's role: the hub's own work and the upkeep of the database cannot be done in smaller parts, and are never cancelled for others.
	 */
	readonly forRequest?: boolean;
	/** Upkeep that can wait: it begins when no other call is waiting, or after a minute (time-limits.ts). */
	readonly whenIdle?: boolean;
	/** Milliseconds that it may run, if less than its role may. */
	readonly maxTime?: number;
	/**
	 * A change of the schema, or upkeep: it may run as long as it takes. It takes longer the more messages there are, cannot be divided,
	 * and after a time limit would begin again from the start.
	 */
	readonly isUnlimited?: boolean;
	/** SQL written by the owner; `agentmux hub cancel` cancels it. */
	readonly isOwnSql?: boolean;
	/**
	 * One statement that only reads, and that depends on nothing else of the scope: it sets what it needs itself, locally. The embedded
	 * database then begins no transaction for it, which takes as long as a short statement.
	 */
	readonly isBare?: boolean;
	/** More settings, local to the transaction: `search_path`, `request.method`, ... */
	readonly settings?: {readonly [name: string]: string};
}

export interface Statement {
	readonly text: string;
	/** For $1, $2, ...: strings, numbers, booleans, null; arrays and objects in their text form. */
	readonly values?: readonly unknown[];
	/** Its plan does not depend on its values, and it is sent often: worth keeping prepared, where the engine does that. */
	readonly isPrepared?: boolean;
}

export interface Result {
	/** Values of bool, int2, int4, float and text are parsed by PGlite or node-postgres; all other types are in their text form. */
	readonly rows: readonly {readonly [column: string]: unknown}[];
	readonly fields: readonly {readonly name: string; readonly dataTypeID: number}[];
	/** Rows inserted, updated, deleted or selected. */
	readonly count: number;
}

/** An error that PostgreSQL reported, with its fields. */
export class DatabaseError extends Error {
	override readonly name = 'DatabaseError';
	/** SQLSTATE, five characters. */
	readonly code: string;
	readonly details: string | null;
	readonly hint: string | null;

	constructor(message: string, code: string, details: string | null = null, hint: string | null = null) {
		super(message);
		this.code = code;
		this.details = details;
		this.hint = hint;
	}
}

/**
 * A statement that did not stop when it was cancelled. The thread or connection that it ran on had to be ended as well, which delays
 * all callers.
 */
export class Runaway extends DatabaseError {
	/** `why`: the reason for cancelling it. */
	constructor(why: Error) {
		const {details = null, hint = null} = why instanceof DatabaseError ? why : {};
		super(why.message, '57014', details, hint);
	}
}

/** A read-only script ended the transaction that prevents it from writing. */
export const notInTransaction = () => new DatabaseError('a read-only script must not end its transaction', '25006');

/**
 * The database is unavailable. A transaction in progress may or may not have been committed; nothing that was acknowledged is lost.
 * This happens only with a separate server. Codes and messages are PostgREST's (docs: references/errors, group 0).
 */
export class DatabaseAway extends Error {
	override readonly name = 'DatabaseAway';
	/** PGRST000: cannot connect. PGRST001: the connection broke. PGRST003: all connections are in use. */
	readonly code: keyof typeof awayMessages;
	/** The connection's own error message. */
	readonly details: string;
	/** What to do about it. */
	readonly hint: string | null;

	constructor(
		code: keyof typeof awayMessages,
		details: string,
		{hint = null, cause}: {readonly hint?: string | null; readonly cause?: unknown} = {},
	) {
		super(awayMessages[code], {cause});
		this.code = code;
		this.details = details;
		this.hint = hint;
	}
}

const awayMessages = {
	PGRST000: 'Database connection error. Retrying the connection.',
	PGRST001: 'Database client error. Retrying the connection.',
	PGRST003: 'Timed out acquiring connection from connection pool.',
};

/**
 * What the hub needs from PostgreSQL. No method hands out an open transaction: PGlite has a single session, and a client that kept it
 * would block all others.
 */
export interface Database {
	/**
	 * Runs the statements in one transaction with the scope; resolves with one result each. If one fails, rolls back and rejects
	 * (DatabaseError). Aborting `signal` cancels the running statement and rejects with the signal's reason, unless it is too late.
	 */
	run(scope: Scope, statements: readonly Statement[], signal?: AbortSignal): Promise<Result[]>;
	/**
	 * Runs a script of any statements, including transaction control, with the scope; resolves with all results. A transaction that the
	 * script leaves open is rolled back. `signal`: as for `run`.
	 */
	script(scope: Scope, sql: string, signal?: AbortSignal): Promise<Result[]>;
	/** Calls `listener` with each NOTIFY payload of the channel, after its commit and in order. Resolves with a function that stops it. */
	listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>;
	close(): Promise<void>;
}
