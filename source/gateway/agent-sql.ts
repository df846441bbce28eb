import type {SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../mailbox/error.ts';
import type {SqlOptions, SqlRow} from '../mailbox/sql.ts';
import type {Rest} from './rest.ts';

const calls = ['agent_sql', 'agent_script'] as const;

/** Runs SQL as the agent whose token this is; see Mailbox.sql. What was sent is not sent twice: it may have been done. */
export async function runAgentSql(
	rest: Rest,
	statements: readonly string[],
	{readOnly = false, parameters = []}: SqlOptions = {},
): Promise<SqlRow[]> {
	const [only = '', ...more] = statements;
	if (parameters.length > 0 && more.length > 0) {
		throw new MailboxError('invalid', 'Parameters go with one statement.', 'Send each statement by itself.');
	}
	// The generated types know no parameter that is null.
	const request =
		parameters.length > 0
			? (client: SupabaseClient) =>
					client.rpc('agent_sql', {p_query: only, p_parameters: parameters, p_read_only: readOnly})
			: (client: SupabaseClient) => client.rpc('agent_script', {p_statements: statements, p_read_only: readOnly});
	return (await rest.request(client => request(client as SupabaseClient), {twice: false})) as SqlRow[];
}

/**
 * What PostgreSQL says about the SQL of a request to `address`, in its own words; null when the request is none of these, or was
 * not refused by PostgreSQL.
 */
export function sqlRefusal(address: string, text: string): MailboxError | null {
	const path = URL.parse(address)?.pathname ?? '';
	if (!calls.some(name => path.endsWith(`/rpc/${name}`))) return null;
	const body = parse(text);
	if (!/^[0-9A-Z]{5}$/.test(body.code ?? '')) return null;
	const lines = [
		`ERROR:  ${body.code}: ${body.message}`,
		...(body.details ? [`DETAIL:  ${body.details}`] : []),
		...(body.hint ? [`HINT:  ${body.hint}`] : []),
	];
	return new MailboxError('invalid', `The database refuses this: ${lines.join('\n')}`);
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
