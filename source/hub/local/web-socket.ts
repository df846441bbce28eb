import {WebSocket as Socket} from 'ws';
import {connectWith} from './fetch.ts';
import type {HubAddress} from './dial.ts';

/**
 * A WebSocket class whose connections all go to that hub, whatever host their address names, and are counted there as the
 * holder's of the token: the key in the address is everyone's.
 */
export function localWebSocket(address: HubAddress, token: string): typeof WebSocket {
	class LocalWebSocket extends Socket {
		constructor(url: string | URL, protocols?: string | string[]) {
			super(url, protocols, {
				perMessageDeflate: false,
				headers: {authorization: `Bearer ${token}`},
				createConnection: ((_options: unknown, done: Parameters<typeof connectWith>[1]) =>
					connectWith(address, done)) as NonNullable<Socket.ClientOptions['createConnection']>,
			});
		}
	}
	return LocalWebSocket as unknown as typeof WebSocket;
}
