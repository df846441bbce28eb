import {once} from 'node:events';
import {connect} from 'node:net';

/** Milliseconds that a client may take to read two lines. */
const timeout = 2000;

/** Where a running client listens for what becomes a prompt. */
export interface ClientSocket {
	readonly path: string;
	readonly token: string;
}

/** As Claude Code tells those that it starts; null when it does not. */
export function clientSocket(env: NodeJS.ProcessEnv): ClientSocket | null {
	const path = env['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '';
	const token = env['CLAUDE_CODE_MESSAGING_TOKEN'] ?? '';
	return path === '' || token === '' ? null : {path, token};
}

/**
 * Says a text to the client (Claude Code 2.1: a line for the token, then a line as it reads them from stdin). Rejects when
 * nobody listens; that it resolves does not say that the client took it up: a mode without questions holds it back.
 */
export async function sayTo({path, token}: ClientSocket, text: string): Promise<void> {
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
