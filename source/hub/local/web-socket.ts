import {WebSocket as Socket} from 'ws';
import {connectWith} from './fetch.ts';
import type {HubAddress} from './dial.ts';

/**
 * A WebSocket class whose connections all go to the hub, whatever the host in the URL. The token is sent as well, so that the hub counts
 * them for its holder: the key in the URL is shared by everyone.
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
