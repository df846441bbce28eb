import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {Duplex} from 'node:stream';
import {DatabaseAway, DatabaseError} from '../database/database.ts';
import type {Log} from '../files/log.ts';
import {addressWithoutValues, type Trace} from '../files/trace.ts';
import {connectionLimits, Connections, type ConnectionLimits} from '../http/connections.ts';
import {allowOrigin} from '../http/cors.ts';
import {holderOf} from '../http/holder.ts';
import {refusal, splitTarget} from '../http/http.ts';
import {close, limitConnections, listen, portOf} from '../http/listening.ts';
import {isOwnOrigin} from '../http/local-request.ts';
import {Bodies, bodyLimits, type BodyLimits} from '../http/request-body.ts';
import {maxHeadSize, refuseConnection, send} from '../http/send.ts';
import {listenLocally} from '../local/listen.ts';
import {callerOf} from '../tokens/caller.ts';
import {answer, away, type AnswerOptions} from './answer.ts';
import {isMeant, type Entrance} from './entrance.ts';

export interface HubServerOptions extends AnswerOptions {
	/** Takes over WebSocket handshakes under /realtime/v1/websocket. `countAs`: among whose connections it counts from then on. */
	readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, countAs: (holder: string) => void) => void;
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
	limitConnections(server, options.maxConnections ?? Infinity, options.log);
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

/** The status line for refusing a WebSocket; null to leave the decision to `options.upgrade`. */
function refusedUpgrade({jwtSecret}: HubServerOptions, entrance: Entrance, request: IncomingMessage): string | null {
	const {url = '', headers, socket} = request;
	if (!url.startsWith('/realtime/v1/websocket')) return '404 Not Found';
	if (!isMeant(request, entrance)) return '403 Forbidden';
	const caller = callerOf(jwtSecret, headers, new URLSearchParams(splitTarget(url).search));
	// Realtime has its own response for this.
	if ('status' in caller) return null;
	return entrance.connections.identify(socket, holderOf(caller)) ? null : '429 Too Many Requests';
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
		allowOrigin(response, origin);
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
	const caller = callerOf(jwtSecret, headers, new URLSearchParams(splitTarget(url).search));
	const who = 'status' in caller ? 'nobody' : holderOf(caller);
	response.once('close', () => {
		const answer = response.writableFinished ? response.statusCode : 'no answer';
		trace(
			`${method} ${addressWithoutValues(url)} by ${who}: ${answer} in ${(performance.now() - began).toFixed(1)} ms`,
		);
	});
}
