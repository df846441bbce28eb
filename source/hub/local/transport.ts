import type {HubAddress} from './dial.ts';
import {localFetch} from './fetch.ts';

/** Verified connections to one hub, for this user's programs. */
export interface HubTransport {
	/** Identifies the hub. */
	readonly name: string;
	readonly fetch: typeof fetch;
	/** Loaded on demand. */
	readonly webSocket: (token: string) => Promise<typeof WebSocket>;
}

export function transportTo(address: HubAddress): HubTransport {
	return {
		name: `${address.socket ?? address.url} ${address.proof_key}`,
		fetch: localFetch(address),
		webSocket: async token => (await import('./web-socket.ts')).localWebSocket(address, token),
	};
}
