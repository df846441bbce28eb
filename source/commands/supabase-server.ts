import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {MailboxError} from '../mailbox/error.ts';
import type {Invocation} from './command.ts';
import {openOwnersProject} from './connect.ts';

/**
 * Runs the stock @supabase/mcp-server-supabase on the configured project until it ends. So a .mcp.json holds neither the
 * hub's port nor a key: they are found at each start, and the token never stands among the arguments.
 */
export async function runSupabaseServer(invocation: Invocation): Promise<void> {
	const {url, project_ref, token} = await openOwnersProject(invocation);
	const server = fileURLToPath(new URL('cli.js', import.meta.resolve('@supabase/mcp-server-supabase')));
	const child = spawn(
		process.execPath,
		[server, `--api-url=${url}`, `--project-ref=${project_ref}`, '--features=database'],
		{
			stdio: 'inherit',
			env: {...invocation.env, SUPABASE_ACCESS_TOKEN: token},
		},
	);
	const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, pass);
	const {promise, resolve, reject} = Promise.withResolvers<number>();
	child.once('error', reject);
	// Ended by a signal is how a client ends its servers.
	child.once('close', code => resolve(code ?? 0));
	const code = await promise;
	if (code !== 0) throw new MailboxError('internal', `The Supabase MCP server ended with exit code ${code}.`);
}
