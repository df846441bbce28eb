/** All expected failures. */
export type ErrorCode =
	/** The other end cannot be reached, or went away. Retrying may help. */
	| 'offline'
	/** The key or token is wrong, expired or revoked. */
	| 'unauthorized'
	/** The other end refuses it: a policy, a lease, somebody else's tag. */
	| 'forbidden'
	/** The input is not valid: empty, too large, contains NUL, not a tag. */
	| 'invalid'
	| 'not_found'
	/** It exists already, or somebody else has it. */
	| 'conflict'
	/** The database does not have agentmux's tables, or has another version of them. */
	| 'schema'
	/** A file cannot be read or written. */
	| 'file'
	/** A bug in agentmux. */
	| 'internal';

interface MailboxErrorOptions extends ErrorOptions {
	readonly sqlstate?: string;
}

/** An expected failure. `message` is one sentence that says what happened and why; `remedy` says what to do. */
export class MailboxError extends Error {
	override readonly name = 'MailboxError';
	readonly code: ErrorCode;
	readonly remedy: string;

	/** What the database said, as an SQLSTATE or a code of PostgREST; null where something else failed. */
	readonly sqlstate: string | null;

	constructor(code: ErrorCode, message: string, remedy = '', options: MailboxErrorOptions = {}) {
		super(message, options);
		this.code = code;
		this.remedy = remedy;
		this.sqlstate = options.sqlstate ?? null;
	}

	/** The message and the remedy, for people to read. */
	get sentence(): string {
		return this.remedy === '' ? this.message : `${this.message} ${this.remedy}`;
	}
}

/** The command line is wrong; the exit code is 2 instead of 1. */
export class UsageError extends MailboxError {
	constructor(message: string, remedy = '') {
		super('invalid', message, remedy);
	}
}
