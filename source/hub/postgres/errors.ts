import pg from 'pg';
import {DatabaseAway, DatabaseError} from '../database/database.ts';
import {overtimeMessage} from '../database/time-limits.ts';

export function overtime(): DatabaseError {
	return new DatabaseError(overtimeMessage, '57014');
}

export function isCanceled(error: unknown): boolean {
	return error instanceof DatabaseError && error.code === '57014';
}

/** What PostgreSQL answered, or that it did not. */
export function translated(error: unknown): unknown {
	if (error instanceof pg.DatabaseError && error.code !== undefined) {
		const {code, message, detail, hint, severity} = error;
		// After a FATAL the connection is gone; that is no answer to a query.
		if (severity !== 'FATAL' && !code.startsWith('08')) return new DatabaseError(message, code, detail, hint);
		return new DatabaseAway('PGRST001', message, {cause: error});
	}
	if (!(error instanceof Error) || error instanceof DatabaseError || error instanceof DatabaseAway) return error;
	return isBroken(error) ? new DatabaseAway('PGRST001', error.message, {cause: error}) : error;
}

export function unreachable(error: unknown): DatabaseAway {
	const {message} = error as Error;
	// An address with several meanings fails with one error for each, and no words of its own.
	const reason = error instanceof AggregateError ? (error.errors[0] as Error).message : message;
	const code = message === 'timeout exceeded when trying to connect' ? 'PGRST003' : 'PGRST000';
	return new DatabaseAway(code, reason, {cause: error});
}

function isBroken(error: Error): boolean {
	return (
		'syscall' in error ||
		/^(Connection terminated|Query read timeout|Client (was closed|has encountered a connection error))/.test(
			error.message,
		)
	);
}
