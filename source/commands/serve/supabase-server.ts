import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {findPaths} from '../../paths.ts';
import {actingTag} from '../../join/hook/agent-tag.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {openOwnersProject} from '../connect/owner.ts';
import {checkJoined} from './check-joined.ts';

/**
 * Runs the stock @supabase/mcp-server-supabase for an agent until its client ends it, so that the client's settings contain neither
 * the hub's port nor a key. `written`: the agent according to join; AGENTMUX_TAG may name another. SQL runs as the agent, or as the owner if a human has joined it with --owner-sql.
 */
export async function runSupabaseServer(invocation: Invocation, written: Tag): Promise<void> {
	const {env} = invocation;
	const {data} = findPaths(env);
	const tag = actingTag(written, env);
	checkJoined(tag, written, env, data);
	if (readCredentials(data, tag)?.owner_sql === true) return runAsOwner(invocation);
	const {serveAgentSql} = await import('./agent-sql-server.ts');
	return serveAgentSql(invocation, tag);
}

/** For a hosted project this starts a separate process, which gets the token through its environment, never as an argument. */
async function runAsOwner(invocation: Invocation): Promise<void> {
	const project = await openOwnersProject(invocation);
	if (project.transport !== undefined) {
		const {serveOwnerSql} = await import('./owner-sql-server.ts');
		return serveOwnerSql(invocation, project, project.transport);
	}
	const {url, project_ref, token} = project;
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
	// Clients end their servers by a signal, so that is not an error.
	child.once('close', code => resolve(code ?? 0));
	const code = await promise;
	if (code !== 0) throw new MailboxError('internal', `The Supabase MCP server ended with exit code ${code}.`);
}
