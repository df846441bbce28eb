import {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {StdioServerTransport} from '@modelcontextprotocol/sdk/server/stdio.js';
import {version} from '../../hub/files/version.ts';
import type {Invocation} from '../cli/command.ts';

/** Serves no tools until the client closes stdin: our plugin starts a server in every folder, and a failed one would be shown there. */
export async function serveNothing({stdin, stdout}: Invocation): Promise<void> {
	const ended = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => ended.resolve());
	const server = new McpServer({name: 'agentmux', title: 'agentmux', version});
	await server.connect(new StdioServerTransport(stdin, stdout));
	await ended.promise;
	await server.close();
}
