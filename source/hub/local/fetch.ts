import {Agent, request as httpRequest, type ClientRequestArgs, type IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import {dial, type HubAddress} from './dial.ts';

/** Milliseconds that an idle connection is kept. The hub keeps it longer, so it never closes one that is about to be used. */
const idle = 10_000;

/** An agent whose connections all go to the hub. */
function agentFor(address: HubAddress): Agent {
	const agent = new Agent({keepAlive: true, timeout: idle});
	agent.createConnection = (_, done) => connectWith(address, done);
	return agent;
}

type Done = (error: Error | null, socket: Socket) => void;

/** `createConnection` for node:http: returns the connection if it is available synchronously, and otherwise passes it to `done`. */
export function connectWith(address: HubAddress, done: Done | undefined): Socket | null {
	try {
		const socket = dial(address);
		if (!(socket instanceof Promise)) return socket;
		void settle(socket, done);
	} catch (error) {
		void settle(Promise.reject(error), done);
	}
	return null;
}

async function settle(connection: Promise<Socket>, done: Done | undefined): Promise<void> {
	let socket: Socket;
	try {
		socket = await connection;
	} catch (error) {
		// Node's types require a socket, but it must not get one with an error.
		done?.(error as Error, undefined as unknown as Socket);
		return;
	}
	done?.(null, socket);
}

/**
 * A fetch that sends all requests to the hub, over its Unix socket if possible, whatever the host in the URL. It does what supabase-js
 * and the stock MCP server need: responses are buffered, and redirects are not followed.
 */
export function localFetch(address: HubAddress): typeof fetch {
	const agent = agentFor(address);
	return async (input, init) => {
		const {url, method, headers, body, signal} = await read(input, init);
		signal?.throwIfAborted();
		const options: ClientRequestArgs = {
			agent,
			method,
			path: `${url.pathname}${url.search}`,
			headers: {
				...Object.fromEntries(headers),
				host: url.host,
				...(body === null && (method === 'GET' || method === 'HEAD')
					? {}
					: {'content-length': String(body === null ? 0 : Buffer.byteLength(body))}),
			},
		};
		return exchange(options, body, signal);
	};
}

interface Outgoing {
	readonly url: URL;
	readonly method: string;
	readonly headers: Headers;
	readonly body: string | Uint8Array | null;
	readonly signal: AbortSignal | null;
}

async function read(input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Outgoing> {
	const {method = 'GET', body = null, signal = null} = init;
	const isPlain = body === null || typeof body === 'string' || body instanceof Uint8Array;
	if (!(input instanceof Request) && isPlain) {
		const headers = new Headers(init.headers);
		if (typeof body === 'string' && !headers.has('content-type'))
			headers.set('content-type', 'text/plain;charset=UTF-8');
		return {url: new URL(input), method: method.toUpperCase(), headers, body, signal};
	}
	const request = new Request(input, init);
	const bytes = request.body === null ? null : new Uint8Array(await request.arrayBuffer());
	const {url, headers} = request;
	return {url: new URL(url), method: request.method, headers, body: bytes, signal: request.signal};
}

function exchange(options: ClientRequestArgs, body: Outgoing['body'], signal: AbortSignal | null): Promise<Response> {
	const {promise, resolve, reject} = Promise.withResolvers<Response>();
	const fail = (cause: unknown): void => reject(signal?.aborted === true ? signal.reason : failed(cause));
	const request = httpRequest({...options, ...(signal === null ? {} : {signal})}, response => {
		const chunks: Buffer[] = [];
		response.on('data', (chunk: Buffer) => chunks.push(chunk));
		response.on('end', () => resolve(responseOf(response, chunks)));
		response.on('error', fail);
	});
	request.on('error', fail);
	request.end(body ?? undefined);
	return promise;
}

/** Statuses without a body; the Response constructor rejects one. */
const bodiless = new Set([101, 204, 205, 304]);

function responseOf(
	{statusCode = 0, statusMessage = '', rawHeaders}: IncomingMessage,
	chunks: readonly Buffer[],
): Response {
	const headers = new Headers();
	for (let nth = 0; nth + 1 < rawHeaders.length; nth += 2)
		headers.append(rawHeaders[nth] ?? '', rawHeaders[nth + 1] ?? '');
	const body = bodiless.has(statusCode) ? null : Buffer.concat(chunks);
	return new Response(body, {status: statusCode, statusText: statusMessage, headers});
}

/** The error that fetch itself throws, with its cause. */
function failed(cause: unknown): TypeError {
	return new TypeError('fetch failed', {cause});
}
