import type {IncomingMessage} from 'node:http';
import type {Connections} from '../http/connections.ts';
import {isLocalRequest} from '../http/local-request.ts';
import type {Bodies} from '../http/request-body.ts';

/** The listener on which a request arrived. */
export interface Entrance {
	/** The TCP port; null for the socket, which web pages cannot reach. */
	readonly port: number | null;
	/** The port or path to which a proof is bound. */
	readonly place: string;
	readonly connections: Connections;
	readonly bodies: Bodies;
}

/** Whether the request is addressed to this hub. Web pages cannot reach the socket, so its Host does not matter. */
export function isMeant({headers}: IncomingMessage, {port}: Entrance): boolean {
	return port === null ? headers.origin === undefined : isLocalRequest(headers, port);
}
