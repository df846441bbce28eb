import {hostname} from 'node:os';
import {basename} from 'node:path';

/**
 * Which running client a hook or an MCP server belongs to: the same word for all that one client starts, whatever its session
 * is called since a /clear. `session` is what the client calls it. Null: it does not say.
 */
export function clientKey(env: NodeJS.ProcessEnv, session: string | null): string | null {
	const socket = env['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '';
	const own = socket === '' ? (env['CLAUDE_CODE_SESSION_ID'] ?? session) : basename(socket);
	return own === null || own === '' ? null : `${hostname()}:${own}`.slice(0, 200);
}

/** Whether somebody sits before it: `claude -p` ends after its prompt, and what would wake it only holds it up. */
export function isInteractive(env: NodeJS.ProcessEnv): boolean {
	const entrypoint = env['CLAUDE_CODE_ENTRYPOINT'] ?? '';
	return entrypoint !== '' && !entrypoint.startsWith('sdk');
}
