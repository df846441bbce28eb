import {MailboxError} from '../../mailbox/error.ts';
import {errorBody} from './failure.ts';

const calls = ['agent_sql', 'agent_script'];

/**
 * PostgreSQL's own error message for the SQL of a request to `address`; null if the request does not run an agent's SQL, or if
 * it was not PostgreSQL that rejected it.
 */
export function sqlRefusal(address: string, text: string): MailboxError | null {
	const path = URL.parse(address)?.pathname ?? '';
	if (!calls.some(name => path.endsWith(`/rpc/${name}`))) return null;
	const body = errorBody(text);
	const sqlstate = body?.code ?? '';
	if (body === null || !/^[0-9A-Z]{5}$/.test(sqlstate)) return null;
	const parts = [
		`ERROR:  ${sqlstate}: ${body.message}`,
		...(body.details ? [`DETAIL:  ${body.details}`] : []),
		...(body.hint ? [`HINT:  ${body.hint}`] : []),
	];
	return new MailboxError('invalid', `The database rejected this: ${parts.join(' ')}`, '', {sqlstate});
}

/** Whether the error says that the agent has no role in the database yet. */
export function isRoleless(error: unknown): boolean {
	return error instanceof MailboxError && error.sqlstate === 'PT428';
}
