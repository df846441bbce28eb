import {connect, type Socket} from 'node:net';
import {dirname} from 'node:path';
import {folderFault} from './private-folder.ts';
import {proven} from './proof.ts';

/** Where a hub answers, as its state file says. */
export interface HubAddress {
	/** For foreign clients: `http://127.0.0.1:PORT`. */
	readonly url: string;
	/** The path of its Unix socket or named pipe; null where it could make none. */
	readonly socket: string | null;
	/** Proves that it is the hub, to those who may read it. */
	readonly proof_key: string;
}

/**
 * A connection to the hub on which a token may be sent. A Unix socket is the hub's by the folder that it lies in, where nobody
 * else can put one; everywhere else, also where that folder is no longer closed to others, the other end proves itself first, and
 * the connection comes later. Rejects when something else is there.
 */
export function dial({url, socket, proof_key}: HubAddress): Socket | Promise<Socket> {
	if (socket !== null && process.platform === 'win32') return proven(connect({path: socket}), proof_key, socket);
	if (socket !== null && folderFault(dirname(socket)) === null) return connect({path: socket});
	const {hostname, port} = new URL(url);
	return proven(connect({host: hostname, port: Number(port)}), proof_key, port);
}
