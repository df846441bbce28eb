import {connect, type Socket} from 'node:net';
import {dirname} from 'node:path';
import {folderFault} from './private-folder.ts';
import {proven} from './proof.ts';

/** The addresses of a hub, from its state file. */
export interface HubAddress {
	/** For other clients: `http://127.0.0.1:PORT`. */
	readonly url: string;
	/** The path of its Unix socket or named pipe; null if it could not create one. */
	readonly socket: string | null;
	/** Lets those who can read the state file verify that they are talking to the hub. */
	readonly proof_key: string;
}

/**
 * A connection to the hub on which a token may be sent. A Unix socket in a folder that only this user can write to is trusted, and the
 * connection is returned synchronously. Otherwise (no socket, Windows, or a folder open to others) the other end must first prove that
 * it is the hub; the promise rejects if it is not.
 */
export function dial({url, socket, proof_key}: HubAddress): Socket | Promise<Socket> {
	if (socket !== null && process.platform === 'win32') return proven(connect({path: socket}), proof_key, socket);
	if (socket !== null && folderFault(dirname(socket)) === null) return connect({path: socket});
	const {hostname, port} = new URL(url);
	return proven(connect({host: hostname, port: Number(port)}), proof_key, port);
}
