import {serveStdio} from '@modelcontextprotocol/server/stdio';
import {createSupabaseMcpServer} from '@supabase/mcp-server-supabase';
import {createSupabaseApiPlatform} from '@supabase/mcp-server-supabase/platform/api';
import type {Transport} from '../../gateway/link/link.ts';
import type {Management} from '../../gateway/management.ts';
import type {Invocation} from '../cli/command.ts';
import {remark} from '../cli/output.ts';

/**
 * Serves the stock server with the owner's key for the hub, until the client closes stdin. The server calls the global fetch, which
 * is replaced here so that it reaches only that hub: the key is never sent to another program that took the hub's port.
 */
export async function serveOwnerSql(
	{stdin, stderr}: Invocation,
	{url, project_ref, token}: Management,
	transport: Transport,
): Promise<void> {
	globalThis.fetch = transport.fetch;
	const platform = createSupabaseApiPlatform({accessToken: token, apiUrl: url});
	const server = serveStdio(() => createSupabaseMcpServer({platform, projectId: project_ref, features: ['database']}), {
		onerror: error => remark(stderr, String(error)),
	});
	const gone = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => gone.resolve());
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => gone.resolve());
	await gone.promise;
	await server.close();
}
