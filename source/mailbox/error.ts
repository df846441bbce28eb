/** All expected failures. `message` is one sentence that says what happened and why, `remedy` what to do. */
export type ErrorCode =
	/** The other end cannot be reached, or went away. Trying again may help. */
	| 'offline'
	/** The key or token is wrong, expired or revoked. */
	| 'unauthorized'
	/** The other end is right to say no: a policy, a lease, somebody else's tag. */
	| 'forbidden'
	/** What was asked for does not fit: empty, too large, NUL, not a tag. */
	| 'invalid'
	| 'not_found'
	/** There already, or taken by another. */
	| 'conflict'
	/** The other end lacks agentmux's tables, or they are of another version. */
	| 'schema'
	/** A file of ours cannot be read or written. */
	| 'file'
	/** A fault of ours. */
	| 'internal';

interface MailboxErrorOptions extends ErrorOptions {
	readonly sqlstate?: string;
}

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

	/** What a person reads: the sentence, then the remedy. */
	get sentence(): string {
		return this.remedy === '' ? this.message : `${this.message} ${this.remedy}`;
	}
}

/** The command line is wrong: exit code 2 instead of 1. */
export class UsageError extends MailboxError {
	constructor(message: string, remedy = '') {
		super('invalid', message, remedy);
	}
}
