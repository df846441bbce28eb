/** As whom and how a transaction runs. */
export interface Scope {
	/** A database role: `anon`, `authenticated`, `service_role`, or `postgres` (the owner, for management calls). */
	readonly role: string;
	/** The verified token's claims; become `request.jwt.claims` for the transaction. */
	readonly claims: {readonly [claim: string]: unknown};
	/** The database refuses every write. */
	readonly readOnly?: boolean;
	/** It is mail or a sign of life: small, and not to wait for what else its caller asks. */
	readonly mail?: boolean;
	/** What it costs is bounded by itself: it is not cancelled when others wait for it. */
	readonly bounded?: boolean;
	/** It is SQL of an agent's own, of which one runs at a time. */
	readonly sql?: boolean;
	/**
	 * Whether somebody's request waits for it, so that it does not wait for its turn for longer than that does. By default for
	 * every role but the owner's; what is the hub's own work, whoever it runs as, waits, and is not cancelled for others.
	 */
	readonly forRequest?: boolean;
	/** It is SQL of the owner's own, which `hub cancel` cancels. */
	readonly isOwnSql?: boolean;
	/** Further settings, local to the transaction: `search_path`, `request.method`, ... */
	readonly settings?: {readonly [name: string]: string};
}

export interface Statement {
	readonly text: string;
	/** For $1, $2, ...; strings, numbers, booleans, null; arrays and objects as their text form. */
	readonly values?: readonly unknown[];
}

export interface Result {
	/** Values as PGlite or node-postgres parse them, but every type beyond bool, int2/4, float and text as its text form. */
	readonly rows: readonly {readonly [column: string]: unknown}[];
	readonly fields: readonly {readonly name: string; readonly dataTypeID: number}[];
	/** Rows inserted, updated, deleted or selected. */
	readonly count: number;
}

/** A failure that PostgreSQL reported, with its own fields. */
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
 * A statement that did not end when it was cancelled, as every usual one does. It was given up together with what it ran on,
 * which costs everyone time.
 */
export class Runaway extends DatabaseError {
	/** `why` it was cancelled. */
	constructor(why: Error) {
		const {details = null, hint = null} = why instanceof DatabaseError ? why : {};
		super(why.message, '57014', details, hint);
	}
}

/** A read-only script has ended the transaction that keeps it from writing. */
export const notInTransaction = () => new DatabaseError('a read-only script must not end its transaction', '25006');

/**
 * The database cannot be asked now. What was under way may or may not have been committed; nothing that was acknowledged
 * is lost. Only a server elsewhere does this. Codes and words are PostgREST's (docs: references/errors, group 0).
 */
export class DatabaseAway extends Error {
	override readonly name = 'DatabaseAway';
	/** PGRST000: it cannot be connected to. PGRST001: the connection broke. PGRST003: every connection is taken. */
	readonly code: keyof typeof awayMessages;
	/** What the connection said. */
	readonly details: string;
	/** What can be done about it. */
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
 * What the hub needs of a PostgreSQL. No method hands out an open transaction: PGlite has one session, and a client that
 * holds it blocks everyone.
 */
export interface Database {
	/**
	 * Runs the statements in one transaction under the scope; one result each. Rolls back and rejects (DatabaseError) when one
	 * fails. `signal` cancels it, as PostgreSQL cancels a statement: it rejects with the signal's reason, unless it was done.
	 */
	run(scope: Scope, statements: readonly Statement[], signal?: AbortSignal): Promise<Result[]>;
	/**
	 * Runs a script of any statements, transaction control among them, under the scope; the results of all of them. A
	 * transaction that the script leaves open is rolled back. `signal`: as for `run`.
	 */
	script(scope: Scope, sql: string, signal?: AbortSignal): Promise<Result[]>;
	/** NOTIFY payloads of one channel, after their commit, in order. Resolves with the function that ends it. */
	listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>;
	close(): Promise<void>;
}
