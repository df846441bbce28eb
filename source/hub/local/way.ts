import type {HubAddress} from './dial.ts';
import {localFetch} from './fetch.ts';

/** How a program of this user's reaches the hub: by what only the hub can answer. */
export interface HubWay {
	/** The same for the same hub. */
	readonly name: string;
	readonly fetch: typeof fetch;
	/** Loaded when it is first needed. */
	readonly webSocket: (token: string) => Promise<typeof WebSocket>;
}

export function wayTo(address: HubAddress): HubWay {
	return {
		name: `${address.socket ?? address.url} ${address.proof_key}`,
		fetch: localFetch(address),
		webSocket: async token => (await import('./web-socket.ts')).localWebSocket(address, token),
	};
}
