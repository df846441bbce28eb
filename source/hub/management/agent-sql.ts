import {DatabaseError, type Database, type Result} from '../database/database.ts';
import type {Caller} from '../http/http.ts';
import {asText} from '../database/session.ts';
import {splitStatements} from '../database/split-statements.ts';

/** The parameters of the management call that runs a script. */
export interface Query {
	readonly sql: string;
	/** For $1, $2, ... of a single statement. */
	readonly parameters: readonly unknown[];
	readonly readOnly: boolean;
}

/**
 * Runs a script as the token's agent in one transaction; resolves with the rows of the last statement that returns any, each as
 * PostgreSQL's JSON text. The database enforces what an agent may do: see supabase/migrations, agent_sql. Rejects with DatabaseError.
 */
export async function runAgentSql(
	database: Database,
	{claims}: Caller,
	{sql, parameters, readOnly}: Query,
	signal?: AbortSignal,
): Promise<string[]> {
	if (sql.length > maxLength) throw tooLong();
	const call =
		parameters.length === 0
			? {
					text: 'select line::text as line from public.agent_script(array(select json_array_elements_text($1::json)), $2::boolean) as line',
					values: [JSON.stringify(splitStatements(sql)), readOnly],
				}
			: {
					text: 'select line::text as line from public.agent_sql($1, array(select json_array_elements_text($2::json)), $3::boolean) as line',
					values: [sql, JSON.stringify(parameters.map(textOrNull)), readOnly],
				};
	const [result] = await database.run({role: 'authenticated', claims, sql: true}, [call], signal);
	return linesOf(result);
}

/** Whether a REST request to the path runs an agent's SQL. */
export function isAgentSql(path: string): boolean {
	return path === '/rpc/agent_sql' || path === '/rpc/agent_script';
}

/**
 * A database that creates an agent's role before its first SQL, in a separate transaction: creating a role needs a lock that every other
 * agent's first SQL needs as well, and the SQL may take long.
 */
export function withAgentRoles(database: Database): Database {
	return {
		async run(scope, statements, signal) {
			try {
				return await database.run(scope, statements, signal);
			} catch (error) {
				if (!(error instanceof DatabaseError) || error.code !== roleless) throw error;
				const {role, claims} = scope;
				await database.run({role, claims}, [{text: 'select public.mux_make_role()'}], signal);
				return database.run(scope, statements, signal);
			}
		},
		script: (scope, sql, signal) => database.script(scope, sql, signal),
		listen: (channel, listener) => database.listen(channel, listener),
		close: () => database.close(),
	};
}

/**
 * Characters of an agent's SQL: the limit of the database (agentmux.check_sql), checked before the text is split here, which takes
 * seconds for 16 MB.
 */
const maxLength = 1_048_576;

function tooLong(): DatabaseError {
	const message = 'the SQL of an agent is limited to 1,048,576 characters and 1,000 statements';
	return new DatabaseError(message, '54000', null, 'Send it in parts.');
}

/** SQLSTATE of an agent's SQL if its role does not exist yet. */
const roleless = 'PT428';

function textOrNull(value: unknown): string | null {
	return value === null || value === undefined ? null : asText(value);
}

function linesOf(result: Result | undefined): string[] {
	return (result?.rows ?? []).map(row => String(row['line']));
}
