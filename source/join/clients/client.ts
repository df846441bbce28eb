import {hostname} from 'node:os';
import {basename} from 'node:path';
import {runningClients} from './running-client.ts';

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

/** The process of the client, as Claude Code names it to what it starts; null if it does not. */
export function clientProcess(env: NodeJS.ProcessEnv): number | null {
	const pid = Number(env['CLAUDE_PID'] ?? '');
	return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
}

/** Whether a user is present: `claude -p` ends after its prompt, and a watch would only delay its end. */
export function isInteractive(env: NodeJS.ProcessEnv): boolean {
	const entrypoint = env['CLAUDE_CODE_ENTRYPOINT'] ?? '';
	return entrypoint !== '' && !isHeadless(env);
}

/**
 * Whether Claude Code runs for a script or another program, without anybody at its prompt: with -p, by an SDK, or as a child of
 * another client's shell, which has CLAUDE_CODE_EXECPATH, without a socket of its own.
 */
export function isHeadless(env: NodeJS.ProcessEnv): boolean {
	return (
		(env['CLAUDE_CODE_ENTRYPOINT'] ?? '').startsWith('sdk') ||
		env['CLAUDE_CODE_SESSION_ATTENDED'] === '0' ||
		(isChild(env) && (env['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '') === '')
	);
}

/** Whether Claude Code was started in the shell of another one. Its hooks are not. */
export function isChild(env: NodeJS.ProcessEnv): boolean {
	return (env['CLAUDE_CODE_EXECPATH'] ?? '') !== '';
}

/**
 * Whether a headless run was asked to take part: `joined` with --headless, or by AGENTMUX_TAG where it was started. In the shell of
 * another program, which may itself work as that agent, the variable is inherited and asks for nothing.
 */
export function isAskedFor(joined: boolean, env: NodeJS.ProcessEnv): boolean {
	return joined || (!isInOtherProgram(env) && (env['AGENTMUX_TAG']?.trim() ?? '') !== '');
}

/** Whether Claude Code was started in the shell of another program that join can set up. */
export function isInOtherProgram(env: NodeJS.ProcessEnv): boolean {
	return runningClients(env).some(({id}) => id !== null && id !== 'claude');
}
