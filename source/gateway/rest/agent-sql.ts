import type {SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../../mailbox/error.ts';
import type {SqlOptions, SqlRow} from '../../mailbox/sql.ts';
import type {Requests} from './requests.ts';
import {isRoleless} from '../link/sql-refusal.ts';

/** Runs SQL as the agent that the token belongs to; see Mailbox.sql. Never sent twice, since it may have been executed. */
export async function runAgentSql(
	requests: Requests,
	statements: readonly string[],
	{readOnly = false, parameters = []}: SqlOptions = {},
): Promise<SqlRow[]> {
	const [only = '', ...more] = statements;
	if (parameters.length > 0 && more.length > 0) {
		throw new MailboxError(
			'invalid',
			'Parameters can only be used with a single statement.',
			'Send each statement separately.',
		);
	}
	// The generated types do not allow null parameters.
	const request =
		parameters.length > 0
			? (client: SupabaseClient) =>
					client.rpc('agent_sql', {p_query: only, p_parameters: parameters, p_read_only: readOnly})
			: (client: SupabaseClient) => client.rpc('agent_script', {p_statements: statements, p_read_only: readOnly});
	const run = (): Promise<unknown> => requests.request(client => request(client as SupabaseClient), {twice: false});
	try {
		return (await run()) as SqlRow[];
	} catch (error) {
		if (!isRoleless(error)) throw error;
		// Nothing was executed. The database requires that the role is created in a separate transaction.
		await requests.rpc('mux_make_role', {});
		return (await run()) as SqlRow[];
	}
}
