import {hostname} from 'node:os';
import {basename} from 'node:path';

/**
 * Identifies the running client that a hook or an MCP server belongs to. The key is the same for everything that one client starts,
 * even if its session id changes with /clear. `session` is the session id that the client passed. Null if the client does not
 * identify itself.
 */
export function clientKey(env: NodeJS.ProcessEnv, session: string | null): string | null {
	const socket = env['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '';
	const own = socket === '' ? (env['CLAUDE_CODE_SESSION_ID'] ?? session) : basename(socket);
	return own === null || own === '' ? null : `${hostname()}:${own}`.slice(0, 200);
}

/** Whether a user is present: `claude -p` ends after its prompt, and a watch would only delay its end. */
export function isInteractive(env: NodeJS.ProcessEnv): boolean {
	const entrypoint = env['CLAUDE_CODE_ENTRYPOINT'] ?? '';
	return entrypoint !== '' && !entrypoint.startsWith('sdk');
}
