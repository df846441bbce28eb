import {WebSocket as Socket} from 'ws';
import {connectWith} from './fetch.ts';
import type {HubAddress} from './dial.ts';

/** A WebSocket class whose connections all go to that hub, whatever host their address names. */
export function localWebSocket(address: HubAddress): typeof WebSocket {
	class LocalWebSocket extends Socket {
		constructor(url: string | URL, protocols?: string | string[]) {
			super(url, protocols, {
				perMessageDeflate: false,
				createConnection: ((_options: unknown, done: Parameters<typeof connectWith>[1]) =>
					connectWith(address, done)) as NonNullable<Socket.ClientOptions['createConnection']>,
			});
		}
	}
	return LocalWebSocket as unknown as typeof WebSocket;
}
