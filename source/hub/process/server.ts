import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo, Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import {callerOf} from '../tokens/caller.ts';
import {connectionLimits, Connections, type ConnectionLimits} from '../http/connections.ts';
import {DatabaseAway, DatabaseError} from '../database/database.ts';
import {json, refusal, type Caller, type Handler, type HubResponse} from '../http/http.ts';
import {holderOf} from '../http/holder.ts';
import {isLocalRequest, isOwnOrigin} from '../http/local-request.ts';
import {listenLocally} from '../local/listen.ts';
import {isNonce, proofOf} from '../local/proof.ts';
import type {Log} from '../files/log.ts';
import {addressWithoutValues, type Trace} from '../files/trace.ts';
import {Bodies, bodyLimits, type BodyFault, type BodyLimits} from '../http/request-body.ts';

/** What answers under one prefix of the address. */
interface Route {
	/** `/rest/v1`, without a slash at the end. */
	readonly prefix: string;
	/** Milliseconds for which it takes a token that has expired; PostgREST's 30 s when absent. */
	readonly leeway?: number;
	/** Whether its answers may hold tokens: one that was asked for with keys that were replaced meanwhile is not given. */
	readonly givesTokens?: boolean;
	readonly handle: Handler;
}

export interface HubServerOptions {
	readonly jwtSecret: string;
	/** The answer to a caller whose token was ended before it expired; null for all others. */
	readonly refuse?: (caller: Caller) => Promise<HubResponse | null>;
	readonly routes: readonly Route[];
	/** Takes over WebSocket handshakes under /realtime/v1/websocket. `countAs`: among whose connections it counts from then on. */
	readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, countAs: (holder: string) => void) => void;
	/** What /health answers to this user's own programs; others hear that something is there. */
	readonly health: () => object;
	/** For the programs of this user; without it, there is TCP alone. */
	readonly local?: {
		/** The folder of the state, in or for which the socket is made. */
		readonly state: string;
		/** Answers challenges on /health. */
		readonly proofKey: string;
		/** The socket was taken away, and another was made (or none could be). */
		readonly onSocket: (path: string | null) => void;
	};
	/** Whether the hub's folder is still there, asked before each request and each answer: without it, there is neither. */
	readonly isInPlace?: () => boolean;
	readonly limits?: Partial<ServerLimits>;
	/** On both listeners together; what comes beyond is turned away. As many as the system allows when absent. */
	readonly maxConnections?: number;
	readonly log: Log;
	readonly trace?: Trace | undefined;
}

export interface ServerLimits {
	readonly connections: ConnectionLimits;
	readonly bodies: BodyLimits;
}

export interface HubServer {
	readonly port: number;
	/** The path of the socket for this user's own programs; null where none could be made. */
	readonly socket: string | null;
	close(): Promise<void>;
}

/** Where a request came in. */
interface Entrance {
	/** Of the TCP listener; null on the socket, which no web page can reach. */
	readonly port: number | null;
	/** What a proof is bound to. */
	readonly place: string;
	readonly connections: Connections;
	readonly bodies: Bodies;
}

/** Bytes of the address and the headers; a filter `in.(...)` of six thousand ids fits. Supabase's gateway takes less. */
const maxHeadSize = 64 * 1024;

const host = '127.0.0.1';

/**
 * Listens on 127.0.0.1, on the port asked for or, when that is taken, on a free one, and on a socket for this user's own
 * programs, whose connections nobody else's can use up.
 */
export async function startServer(options: HubServerOptions, port: number): Promise<HubServer> {
	const bodies = new Bodies(options.limits?.bodies ?? bodyLimits);
	const tcp = serverFor(options, bodies, () => ({port: portOf(tcp), place: String(portOf(tcp))}));
	await listen(tcp, port).catch(async (error: NodeJS.ErrnoException) => {
		if (port === 0 || (error.code !== 'EADDRINUSE' && error.code !== 'EACCES')) throw error;
		await listen(tcp, 0);
	});
	const servers = new Set([tcp]);
	const serve = (path: string): Server => {
		const server = serverFor(options, bodies, () => ({port: null, place: path}));
		// Each time that the socket was removed there is another one; where none can be made, one that never listened.
		server.once('listening', () => servers.add(server)).once('close', () => servers.delete(server));
		return server;
	};
	const {local} = options;
	const own =
		local === undefined
			? null
			: await listenLocally(local.state, serve, local.onSocket, options.log, options.isInPlace);
	return {
		port: portOf(tcp),
		socket: own?.path ?? null,
		async close() {
			own?.leave();
			await Promise.all([...servers].map(close));
		},
	};
}

function serverFor(options: HubServerOptions, bodies: Bodies, where: () => Pick<Entrance, 'port' | 'place'>): Server {
	const server = createServer({
		maxHeaderSize: maxHeadSize,
		requestTimeout: 120_000,
		keepAliveTimeout: 30_000,
		headersTimeout: 15_000,
		connectionsCheckingInterval: 5000,
	});
	const connections = new Connections(options.limits?.connections ?? connectionLimits);
	turnAway(server, options);
	const entrance = (): Entrance => ({...where(), connections, bodies});
	server.on('connection', (socket: Socket) => connections.add(socket));
	server.on('request', (request, response) => void respond(options, entrance(), request, response));
	server.on('clientError', refuseConnection);
	server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
		socket.on('error', () => socket.destroy());
		const refused = refusedUpgrade(options, entrance(), request);
		if (refused === null) {
			return options.upgrade(request, socket, head, holder => void connections.identify(socket, holder));
		}
		// Nothing reads from the socket now, so a close by the client would go unnoticed.
		socket.once('finish', () => socket.destroy());
		socket.end(`HTTP/1.1 ${refused}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
	});
	return server;
}

/** Milliseconds within which it is said once that connections were turned away. */
const sayAfter = 60_000;

/** A connection for which no file is left would fail without a word, in the middle of somebody's request. */
function turnAway(server: Server, {maxConnections = Infinity, log}: HubServerOptions): void {
	if (maxConnections === Infinity) return;
	server.maxConnections = Math.floor(maxConnections / 2);
	let saidAt = -Infinity;
	server.on('drop', () => {
		if (performance.now() - saidAt < sayAfter) return;
		saidAt = performance.now();
		log(`Connections are turned away: there are ${server.maxConnections}, and the limit of open files allows no more.`);
	});
}

/** Why there is to be no WebSocket; null when it is for `options.upgrade` to decide. */
function refusedUpgrade({jwtSecret}: HubServerOptions, entrance: Entrance, request: IncomingMessage): string | null {
	const {url = '', headers, socket} = request;
	if (!url.startsWith('/realtime/v1/websocket')) return '404 Not Found';
	if (!isMeant(request, entrance)) return '403 Forbidden';
	const caller = callerOf(jwtSecret, headers, new URLSearchParams(split(url, '?')[1]));
	// Realtime refuses it in its own words.
	if ('status' in caller) return null;
	return entrance.connections.identify(socket, holderOf(caller)) ? null : '429 Too Many Requests';
}

/** No web page reaches the socket, so that its Host says nothing. */
function isMeant({headers}: IncomingMessage, {port}: Entrance): boolean {
	return port === null ? headers.origin === undefined : isLocalRequest(headers, port);
}

async function respond(
	options: HubServerOptions,
	entrance: Entrance,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	if (options.isInPlace?.() === false) {
		request.destroy();
		return;
	}
	const {origin} = request.headers;
	if (origin !== undefined && entrance.port !== null && isOwnOrigin(origin, entrance.port)) {
		response.setHeader('access-control-allow-origin', origin);
		response.setHeader('access-control-expose-headers', 'Content-Range, Location, Preference-Applied');
		response.setHeader('vary', 'Origin');
	}
	traceRequest(options, request, response);
	const gone = new AbortController();
	response.once('close', () => {
		if (!response.writableFinished) gone.abort(new DatabaseError('canceling statement due to user request', '57014'));
	});
	try {
		const answered = await answer(options, entrance, request, gone.signal);
		// What was written meanwhile may lie in a folder that is no longer the hub's.
		if (options.isInPlace?.() === false) return void response.destroy();
		send(response, request, answered);
	} catch (error) {
		if (error instanceof DatabaseAway) return send(response, request, away(error));
		options.log(`${request.method} failed: ${error instanceof Error ? error.message : String(error)}`);
		send(response, request, refusal(500, 'Internal error; see `agentmux hub logs`.'));
	}
}

/** What was asked by whom, and what came of it after how long. */
function traceRequest({trace, jwtSecret}: HubServerOptions, request: IncomingMessage, response: ServerResponse): void {
	if (trace === undefined) return;
	const {method = '', url = '', headers} = request;
	const began = performance.now();
	const caller = callerOf(jwtSecret, headers, new URLSearchParams(split(url, '?')[1]));
	const who = 'status' in caller ? 'nobody' : holderOf(caller);
	response.once('close', () => {
		const answer = response.writableFinished ? response.statusCode : 'no answer';
		trace(
			`${method} ${addressWithoutValues(url)} by ${who}: ${answer} in ${(performance.now() - began).toFixed(1)} ms`,
		);
	});
}

async function answer(
	options: HubServerOptions,
	entrance: Entrance,
	request: IncomingMessage,
	signal: AbortSignal,
): Promise<HubResponse> {
	const {method = 'GET', url: target = '', headers} = request;
	if (!isMeant(request, entrance)) {
		return refusal(403, 'Forbidden: the hub only accepts requests with a Host and Origin of its own.');
	}
	if (!target.startsWith('/')) return refusal(400, 'The address must start with a slash.');
	const [path, search] = split(target, '?');
	if (path === '/health') return json(200, healthFor(options, entrance, search));
	const route = options.routes.find(({prefix}) => path === prefix || path.startsWith(`${prefix}/`));
	if (route === undefined) return refusal(404, 'no Route matched with those values');
	if (method === 'OPTIONS') return preflight(request);
	const query = new URLSearchParams(search);
	const secret = options.jwtSecret;
	const caller = callerOf(secret, headers, query, route.leeway);
	if ('status' in caller) return caller;
	const refused = await options.refuse?.(caller);
	if (refused) return refused;
	if (!entrance.connections.identify(request.socket, holderOf(caller))) {
		return refusal(429, 'Too many connections of one token: close some, or use them again.');
	}
	const body = await entrance.bodies.read(request);
	if (typeof body === 'string') return refusedBody(body, options.limits?.bodies ?? bodyLimits);
	const given = {method, path: path.slice(route.prefix.length) || '/', query, headers, body, caller, signal};
	const response = await route.handle(given);
	return route.givesTokens === true && options.jwtSecret !== secret
		? refusal(401, 'The keys of the hub were replaced meanwhile.')
		: response;
}

/** Web pages and other users need not know which process of which version this is. */
function healthFor({health, local}: HubServerOptions, {port, place}: Entrance, search: string): object {
	const facts = port === null ? health() : {status: 'ok'};
	const nonce = new URLSearchParams(search).get('challenge') ?? '';
	return local !== undefined && isNonce(nonce) ? {...facts, proof: proofOf(local.proofKey, nonce, place)} : facts;
}

/** What cannot be read as a request, or not in time; an address that is too long is answered as Supabase's gateway does. */
function refuseConnection({code}: NodeJS.ErrnoException, socket: Duplex): void {
	if (code === 'ECONNRESET' || !socket.writable) {
		socket.destroy();
		return;
	}
	const [status, message] = {
		HPE_HEADER_OVERFLOW: ['414 URI Too Long', `The address and headers are larger than ${maxHeadSize} bytes.`] as const,
		ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not come to its end in time.'] as const,
	}[code ?? ''] ?? ['400 Bad Request', 'This is not an HTTP request.'];
	const body = JSON.stringify({message});
	socket.end(
		`HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
	);
	// A client that is still writing would not see the answer if the connection closed now; but it may not hold it for long.
	const impatient = setTimeout(() => socket.destroy(), 2000);
	socket.once('close', () => clearTimeout(impatient));
}

/** https://supabase.com/docs/guides/api: what its gateway allows, here for pages of this machine alone. */
function preflight({headers}: IncomingMessage): HubResponse {
	return {
		status: 200,
		headers: {
			'access-control-allow-methods': 'GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS',
			'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
			'access-control-max-age': '3600',
		},
	};
}

function refusedBody(fault: BodyFault, {size}: BodyLimits): HubResponse {
	switch (fault) {
		case 'too large':
			return refusal(413, `The body is larger than ${size} bytes.`);
		case 'too slow':
			return refusal(408, 'The body did not come to its end in time.');
		case 'too many':
			return refusal(503, 'Too many large requests at once; try again.');
		case 'gone':
			// Nobody reads it.
			return refusal(400, 'The body is not whole.');
	}
	return fault satisfies never;
}

function send(
	response: ServerResponse,
	request: IncomingMessage,
	{status, headers = {}, body = ''}: HubResponse,
): void {
	if (response.headersSent || response.destroyed) return;
	const bytes = Buffer.from(body);
	// What was not read would be taken for the next request.
	if (!request.complete) response.setHeader('connection', 'close');
	// 204 and 304 have neither a body nor its length (RFC 9110, 8.6).
	const length = status === 204 || status === 304 ? {} : {'content-length': String(bytes.length)};
	response.writeHead(status, {...length, ...headers});
	response.end(request.method === 'HEAD' ? undefined : bytes);
	if (!request.complete) response.once('finish', () => request.destroy());
}

function listen(server: Server, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen({host, port}, () => {
			server.off('error', reject);
			resolve();
		});
	});
}

/** Lets the requests under way finish, for two seconds at most. */
async function close(server: Server): Promise<void> {
	const closed = new Promise(resolve => server.close(resolve));
	server.closeIdleConnections();
	const impatient = setTimeout(() => server.closeAllConnections(), 2000);
	await closed;
	clearTimeout(impatient);
}

function portOf(server: Server): number {
	return (server.address() as AddressInfo | null)?.port ?? 0;
}

function split(text: string, separator: string): [string, string] {
	const at = text.indexOf(separator);
	return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** As PostgREST says it, whoever was asked. */
function away({code, message, details, hint}: DatabaseAway): HubResponse {
	const answer = json(code === 'PGRST003' ? 504 : 503, {code, details, hint, message});
	return {...answer, headers: {...answer.headers, 'proxy-status': `PostgREST; error=${code}`, 'retry-after': '1'}};
}
