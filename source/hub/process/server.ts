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
import type {UnderWay} from '../http/under-way.ts';
import {Bodies, bodyLimits, type BodyFault, type BodyLimits} from '../http/request-body.ts';

/** A handler for the paths below a prefix. */
interface Route {
	/** `/rest/v1`: without a trailing slash. */
	readonly prefix: string;
	/** Milliseconds for which expired tokens are accepted; default 30 s, as in PostgREST. */
	readonly leeway?: number;
	/** Whether its responses may contain tokens. They are withheld if the keys were replaced after the request. */
	readonly givesTokens?: boolean;
	readonly handle: Handler;
}

export interface HubServerOptions {
	readonly jwtSecret: string;
	/** The response to a caller whose token was ended before it expired; null for all others. */
	readonly refuse?: (caller: Caller) => Promise<HubResponse | null>;
	readonly routes: readonly Route[];
	/** Called for each request that is being answered. */
	readonly underWay?: UnderWay;
	/** Takes over WebSocket handshakes under /realtime/v1/websocket. `countAs`: among whose connections it counts from then on. */
	readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, countAs: (holder: string) => void) => void;
	/** The response of /health to this user's own programs; others only learn that the hub is running. */
	readonly health: () => object;
	/** The socket for this user's programs; without it, the server only listens on TCP. */
	readonly local?: {
		/** The state folder, which determines the path of the socket. */
		readonly state: string;
		/** Answers challenges on /health. */
		readonly proofKey: string;
		/** Called when the socket was removed and recreated; null if that failed. */
		readonly onSocket: (path: string | null) => void;
	};
	/** Whether the hub's folder is still in place. Checked before each request and each response; if not, the connection is closed. */
	readonly isInPlace?: () => boolean;
	readonly limits?: Partial<ServerLimits>;
	/** The maximum number of connections on both listeners together; default unlimited. */
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
	/** The path of the socket for this user's own programs; null if it could not be created. */
	readonly socket: string | null;
	close(): Promise<void>;
}

/** The listener on which a request arrived. */
interface Entrance {
	/** The TCP port; null for the socket, which web pages cannot reach. */
	readonly port: number | null;
	/** The port or path to which a proof is bound. */
	readonly place: string;
	readonly connections: Connections;
	readonly bodies: Bodies;
}

/** Bytes of URL and headers: enough for a filter `in.(...)` with six thousand ids. The limit of Supabase's gateway is lower. */
const maxHeadSize = 64 * 1024;

const host = '127.0.0.1';

/**
 * Listens on 127.0.0.1, on `port` or, if that is in use, on a free one; and on a socket for this user's own programs, whose connections
 * others cannot exhaust.
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
		// There is a new server each time that the socket is recreated; if that fails, it never listens.
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
		// Nothing reads from the socket any more, so a close by the client would go unnoticed.
		socket.once('finish', () => socket.destroy());
		socket.end(`HTTP/1.1 ${refused}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
	});
	return server;
}

/** Milliseconds between log entries about rejected connections. */
const sayAfter = 60_000;

/** Limits the number of connections: without it, a connection that exceeds the limit of open files would fail silently. */
function turnAway(server: Server, {maxConnections = Infinity, log}: HubServerOptions): void {
	if (maxConnections === Infinity) return;
	server.maxConnections = Math.floor(maxConnections / 2);
	let saidAt = -Infinity;
	server.on('drop', () => {
		if (performance.now() - saidAt < sayAfter) return;
		saidAt = performance.now();
		log(`Rejecting connections: there are ${server.maxConnections}, the maximum that the limit of open files allows.`);
	});
}

/** The status line for refusing a WebSocket; null to leave the decision to `options.upgrade`. */
function refusedUpgrade({jwtSecret}: HubServerOptions, entrance: Entrance, request: IncomingMessage): string | null {
	const {url = '', headers, socket} = request;
	if (!url.startsWith('/realtime/v1/websocket')) return '404 Not Found';
	if (!isMeant(request, entrance)) return '403 Forbidden';
	const caller = callerOf(jwtSecret, headers, new URLSearchParams(split(url, '?')[1]));
	// Realtime has its own response for this.
	if ('status' in caller) return null;
	return entrance.connections.identify(socket, holderOf(caller)) ? null : '429 Too Many Requests';
}

/** Whether the request is addressed to this hub. Web pages cannot reach the socket, so its Host does not matter. */
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
		// What it wrote may be in a folder that is no longer the hub's.
		if (options.isInPlace?.() === false) return void response.destroy();
		send(response, request, answered);
	} catch (error) {
		if (error instanceof DatabaseAway) return send(response, request, away(error));
		options.log(`${request.method} failed: ${error instanceof Error ? error.message : String(error)}`);
		send(response, request, refusal(500, 'Internal error; see `agentmux hub logs`.'));
	}
}

/** Traces the request, its caller, the status and the time. */
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
		return refusal(403, 'Forbidden: the hub only accepts requests with its own Host and Origin.');
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
		return refusal(429, 'Too many connections with one token: close some, or reuse them.');
	}
	const body = await entrance.bodies.read(request);
	if (typeof body === 'string') return refusedBody(body, options.limits?.bodies ?? bodyLimits);
	// The token may have ended while the body came.
	if (options.jwtSecret !== secret) return replaced;
	const late = await options.refuse?.(caller);
	if (late) return late;
	const given = {method, path: path.slice(route.prefix.length) || '/', query, headers, body, caller, signal};
	const answering = route.handle(given);
	const response = await (options.underWay?.follow(given, answering) ?? answering);
	return route.givesTokens === true && options.jwtSecret !== secret ? replaced : response;
}

const replaced = refusal(401, 'The keys of the hub were replaced meanwhile.');

/** Process and version are only for this user's programs, not for web pages and other users. */
function healthFor({health, local}: HubServerOptions, {port, place}: Entrance, search: string): object {
	const facts = port === null ? health() : {status: 'ok'};
	const nonce = new URLSearchParams(search).get('challenge') ?? '';
	return local !== undefined && isNonce(nonce) ? {...facts, proof: proofOf(local.proofKey, nonce, place)} : facts;
}

/** Responds to an invalid or slow request; to one with a URL that is too long, as Supabase's gateway does. */
function refuseConnection({code}: NodeJS.ErrnoException, socket: Duplex): void {
	if (code === 'ECONNRESET' || !socket.writable) {
		socket.destroy();
		return;
	}
	const [status, message] = {
		HPE_HEADER_OVERFLOW: ['414 URI Too Long', `The URL and headers are larger than ${maxHeadSize} bytes.`] as const,
		ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request was not complete in time.'] as const,
	}[code ?? ''] ?? ['400 Bad Request', 'This is not an HTTP request.'];
	const body = JSON.stringify({message});
	socket.end(
		`HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
	);
	// A client that is still writing would miss the response if the connection closed now; but it must not keep it open for long.
	const timer = setTimeout(() => socket.destroy(), 2000);
	socket.once('close', () => clearTimeout(timer));
}

/** What Supabase's gateway allows (https://supabase.com/docs/guides/api), but only for pages of the hub's own origin. */
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
			return refusal(408, 'The body was not complete in time.');
		case 'too many':
			return refusal(503, 'Too many large requests at the same time; try again.');
		case 'gone':
			// The client has hung up.
			return refusal(400, 'The body is incomplete.');
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
	// The unread rest of the body would be parsed as the next request.
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

/** Lets current requests finish, for at most two seconds. */
async function close(server: Server): Promise<void> {
	const closed = new Promise(resolve => server.close(resolve));
	server.closeIdleConnections();
	const timer = setTimeout(() => server.closeAllConnections(), 2000);
	await closed;
	clearTimeout(timer);
}

function portOf(server: Server): number {
	return (server.address() as AddressInfo | null)?.port ?? 0;
}

function split(text: string, separator: string): [string, string] {
	const at = text.indexOf(separator);
	return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** PostgREST's response for an unavailable database, which is used on all paths. */
function away({code, message, details, hint}: DatabaseAway): HubResponse {
	const answer = json(code === 'PGRST003' ? 504 : 503, {code, details, hint, message});
	return {...answer, headers: {...answer.headers, 'proxy-status': `PostgREST; error=${code}`, 'retry-after': '1'}};
}
