import {once} from 'node:events';
import {connect} from 'node:net';

/** Milliseconds for a client to read two lines. */
const timeout = 2000;

/** The socket on which a running client accepts prompts. */
export interface ClientSocket {
	readonly path: string;
	readonly token: string;
}

/** The socket that Claude Code names in the environment of what it starts; null if it names none. */
export function clientSocket(env: NodeJS.ProcessEnv): ClientSocket | null {
	const path = env['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '';
	const token = env['CLAUDE_CODE_MESSAGING_TOKEN'] ?? '';
	return path === '' || token === '' ? null : {path, token};
}

/**
 * Sends a prompt to the client (Claude Code 2.1: a line with the token, then a line in the format that it reads from stdin).
 * Rejects if nobody listens. Resolving does not mean that the client acts on it: some permission modes hold it back.
 */
export async function sendPrompt({path, token}: ClientSocket, text: string): Promise<void> {
	const socket = connect(path);
	socket.setTimeout(timeout, () => socket.destroy(new Error('the client does not read')));
	const lines = [
		{type: 'auth', token},
		{type: 'user', message: {role: 'user', content: text}},
	];
	socket.end(lines.map(line => `${JSON.stringify(line)}\n`).join(''));
	socket.resume();
	await once(socket, 'close');
}
