import {connect, type Socket} from 'node:net';
import {dirname} from 'node:path';
import {isPrivateFolder} from './private-folder.ts';
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
 * else can put one; everywhere else the other end proves itself first, and the connection comes later. Throws, or rejects, when
 * something else is there.
 */
export function dial({url, socket, proof_key}: HubAddress): Socket | Promise<Socket> {
	if (socket !== null && process.platform !== 'win32') {
		const folder = dirname(socket);
		if (!isPrivateFolder(folder)) throw unsafe(folder);
		return connect({path: socket});
	}
	const {hostname, port} = new URL(url);
	const connection = socket === null ? connect({host: hostname, port: Number(port)}) : connect({path: socket});
	return proven(connection, proof_key, socket ?? port);
}

function unsafe(folder: string): Error {
	return Object.assign(new Error(`others may put a socket into ${folder}`), {code: 'ENOENT'});
}
