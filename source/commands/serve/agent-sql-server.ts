import {serveStdio} from '@modelcontextprotocol/server/stdio';
import {createSupabaseMcpServer} from '@supabase/mcp-server-supabase';
import type {DatabaseOperations} from '@supabase/mcp-server-supabase/platform';
import {splitStatements} from '../../hub/database/split-statements.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {openMailbox} from '../connect/connect.ts';
import {remark} from '../cli/output.ts';

/**
 * Serves the stock server over the agent's mailbox, on a hub or a hosted project, until the client closes stdin. It answers
 * immediately, while the mailbox is still being opened.
 */
export async function serveAgentSql(invocation: Invocation, tag: Tag): Promise<void> {
	const {stdin, stderr} = invocation;
	const say = (error: unknown): void => remark(stderr, error instanceof MailboxError ? error.sentence : String(error));
	let opened: Promise<Mailbox> | null = null;
	const mailbox = (): Promise<Mailbox> => {
		opened ??= openMailbox(invocation, {as: tag, kind: 'agent'}).catch((error: unknown) => {
			opened = null;
			throw error;
		});
		return opened;
	};
	const database = operations(mailbox, tag);
	const server = serveStdio(
		() => createSupabaseMcpServer({platform: {database}, projectId: 'local', features: ['database']}),
		{onerror: say},
	);
	mailbox().catch(say);
	const gone = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => gone.resolve());
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => gone.resolve());
	await gone.promise;
	await server.close();
	if (opened !== null) await (await mailbox()).close();
}

function operations(mailbox: () => Promise<Mailbox>, tag: Tag): DatabaseOperations {
	const refuse = async (): Promise<never> => {
		throw new MailboxError(
			'forbidden',
			`${tag} runs SQL as itself, and only the owner of the database can run migrations.`,
			`A human can allow it with \`agentmux join ${tag} --owner-sql\`.`,
		);
	};
	return {
		async executeSql<T>(_project: string, {query, parameters = [], read_only = false}: SqlCall): Promise<T[]> {
			const statements = parameters.length > 0 ? [query] : splitStatements(query);
			const options = {readOnly: read_only, parameters: parameters.map(asText)};
			return (await (await mailbox()).sql(statements, options)) as T[];
		},
		listMigrations: refuse,
		applyMigration: refuse,
	};
}

interface SqlCall {
	readonly query: string;
	readonly parameters?: unknown[] | undefined;
	readonly read_only?: boolean | undefined;
}

function asText(value: unknown): string | null {
	if (value === null || value === undefined) return null;
	return typeof value === 'string' ? value : JSON.stringify(value);
}
