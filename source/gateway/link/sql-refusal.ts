import {MailboxError} from '../../mailbox/error.ts';

const calls = ['agent_sql', 'agent_script'];

/**
 * What PostgreSQL says about the SQL of a request to `address`, in its own words; null when the request is none of these, or was
 * not refused by PostgreSQL.
 */
export function sqlRefusal(address: string, text: string): MailboxError | null {
	const path = URL.parse(address)?.pathname ?? '';
	if (!calls.some(name => path.endsWith(`/rpc/${name}`))) return null;
	const body = parse(text);
	const {code: sqlstate = ''} = body;
	if (!/^[0-9A-Z]{5}$/.test(sqlstate)) return null;
	const parts = [
		`ERROR:  ${sqlstate}: ${body.message}`,
		...(body.details ? [`DETAIL:  ${body.details}`] : []),
		...(body.hint ? [`HINT:  ${body.hint}`] : []),
	];
	return new MailboxError('invalid', `The database refuses this: ${parts.join(' ')}`, '', {sqlstate});
}

/** Whether the agent has no role in the database yet. */
export function isRoleless(error: unknown): boolean {
	return error instanceof MailboxError && error.sqlstate === 'PT428';
}

interface Refusal {
	readonly code?: string;
	readonly message?: string;
	readonly details?: string | null;
	readonly hint?: string | null;
}

function parse(text: string): Refusal {
	try {
		const body: unknown = JSON.parse(text);
		return typeof body === 'object' && body !== null ? body : {};
	} catch {
		return {};
	}
}
