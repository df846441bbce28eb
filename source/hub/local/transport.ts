import {dial, type HubAddress} from './dial.ts';
import {exchange} from './exchange.ts';

/** Verified connections to one hub, for this user's programs. */
export interface HubTransport {
	/** Identifies the hub. */
	readonly name: string;
	readonly fetch: typeof fetch;
	/** A fetch for programs that ask one thing and end: it connects for each request, and loads nothing. */
	readonly ask: (address: string, init: Sent) => Promise<Response>;
	/** Loaded on demand. */
	readonly webSocket: (token: string) => Promise<typeof WebSocket>;
}

interface Sent {
	readonly method: string;
	readonly headers: {readonly [name: string]: string};
	readonly body?: string | undefined;
	readonly signal?: AbortSignal | null;
}

/** What callers need of the response. */
type Response = Pick<globalThis.Response, 'status' | 'ok' | 'text' | 'json'> & {
	readonly headers: Pick<Headers, 'get'>;
};

export function transportTo(address: HubAddress): HubTransport {
	let connected: Promise<typeof fetch> | null = null;
	return {
		name: `${address.socket ?? address.url} ${address.proof_key}`,
		// Loaded at the first use, and node:http with it.
		async fetch(input, init) {
			connected ??= import('./fetch.ts').then(({localFetch}) => localFetch(address));
			return (await connected)(input, init);
		},
		ask: (url, init) => ask(address, url, init),
		webSocket: async token => (await import('./web-socket.ts')).localWebSocket(address, token),
	};
}

async function ask(hub: HubAddress, address: string, {method, headers, body, signal}: Sent): Promise<Response> {
	const {host, pathname, search} = new URL(address);
	const {status, type, text} = await exchange(dial(hub), {
		method,
		path: `${pathname}${search}`,
		headers: {host, ...headers},
		body,
		signal: signal ?? undefined,
	});
	return {
		status,
		ok: status >= 200 && status < 300,
		text: async () => text,
		json: async () => JSON.parse(text) as unknown,
		headers: {get: name => (name === 'content-type' && type !== '' ? type : null)},
	};
}
