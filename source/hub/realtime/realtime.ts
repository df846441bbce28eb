import type {IncomingMessage} from 'node:http';
import type {Duplex} from 'node:stream';
import {WebSocketServer} from 'ws';
import {boundedDatabase} from '../database/bounded-database.ts';
import type {Database} from '../database/database.ts';
import type {Handler} from '../http/http.ts';
import {Catalog, ownScope} from './catalog.ts';
import {Changes} from './changes.ts';
import {storedBroadcast} from './channel.ts';
import {Connection, type CountAs} from './connection.ts';
import type {Version} from './frame.ts';
import {defaultLimits, type Limits} from './limits.ts';
import {withNoticeKey} from './notice-key.ts';
import {parseNotice, type Message} from './notice.ts';
import {handleBroadcast} from './rest-broadcast.ts';
import {storedMessage} from './rights.ts';
import type {Server} from './server.ts';
import {Shares} from './shares.ts';
import {readBindings} from './subscription.ts';
import {readToken, type Verify} from './token.ts';
import {Topics} from './topic.ts';

export interface Realtime {
	/**
	 * Takes over a request to upgrade: a socket on .../websocket, or 403. `countAs` is told whose token a channel was joined with:
	 * clients open the socket with the anon key, whoever they are.
	 */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, countAs?: CountAs): void;
	/** The REST side; the path is what follows `/realtime/v1`. */
	readonly handle: Handler;
	/** Closes every socket that was opened, or used to join, with a token that is no longer valid. */
	recheck(): void;
	/** Tells every channel and closes every socket. */
	close(): Promise<void>;
}

export interface RealtimeOptions {
	/** Bootstrapped (source/hub/schema), with the publication `supabase_realtime`. */
	readonly database: Database;
	readonly verify: Verify;
	readonly limits?: Partial<Limits>;
	/** Called with errors that no client can be told about. */
	readonly onFault?: (error: unknown) => void;
}

/** Messages of the database are kept so long for replays, as Supabase does. */
const prune = "delete from realtime.messages where inserted_at < (now() at time zone 'UTC') - interval '3 days'";
const pruneEvery = 3_600_000;

/** Supabase Realtime over the Database port: Phoenix channels with the serializers 1.0.0 and 2.0.0. */
export async function createRealtime(options: RealtimeOptions): Promise<Realtime> {
	const {verify} = options;
	const database = boundedDatabase(options.database);
	const limits = {...defaultLimits, ...options.limits};
	const fault = options.onFault ?? (() => undefined);
	const catalog = new Catalog(database);
	const topics = new Topics();
	const changes = new Changes(database, catalog, limits.changes, fault);
	const server: Server = {
		database,
		verify,
		limits,
		topics,
		changes,
		shares: new Shares(limits),
		fault,
		mayReadPrivate: role => catalog.mayReadPrivate(role),
		readBindings: (role, entries) => readBindings(database, catalog, role, entries, limits.bindings),
	};
	// Larger than the limit by so much that the connection can cut the socket itself, as the real server does.
	const sockets = new WebSocketServer({noServer: true, maxPayload: limits.frame * 2, perMessageDeflate: false});
	const connections = new Set<Connection>();
	let messages: Promise<void> = Promise.resolve();

	const bring = async (message: Message): Promise<void> => {
		const content = message.content ?? (await storedMessage(database, message.id));
		if (content === null) return;
		const broadcast = storedBroadcast(message.id, content.event, content.payload, false);
		topics.broadcast(content.topic, message.private, broadcast);
	};
	const hear = (text: string, key: string): void => {
		const notice = parseNotice(text, key);
		if (notice?.kind === 'ddl') changes.forget();
		else if (notice?.kind === 'change') changes.take(notice);
		else if (notice?.kind === 'message') messages = messages.then(() => bring(notice)).catch(fault);
	};
	const unlisten = await database.listen('realtime', withNoticeKey(database, hear, fault));
	const pruneMessages = (): void => void database.run(ownScope, [{text: prune}]).catch(fault);
	pruneMessages();
	const pruning = setInterval(pruneMessages, pruneEvery);
	pruning.unref();
	let closed = false;

	return {
		upgrade(request, socket, head, countAs = () => undefined) {
			const opened = closed ? null : readOpening(request, verify);
			if (opened === null) {
				// Nothing reads from the socket now, so a close by the client would go unnoticed.
				socket.once('finish', () => socket.destroy());
				socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
				return;
			}
			sockets.handleUpgrade(request, socket, head, webSocket => {
				const connection = new Connection(server, webSocket, socket, {...opened, countAs});
				connections.add(connection);
				webSocket.on('close', () => connections.delete(connection));
			});
		},
		handle: request => handleBroadcast(server, request),
		recheck() {
			for (const connection of connections) connection.recheck();
		},
		async close() {
			closed = true;
			clearInterval(pruning);
			await Promise.all([...connections].map(connection => connection.stop()));
			sockets.close();
			await unlisten();
		},
	};
}

/** Which serializer and which key a request to upgrade names; null when it is to be refused. */
function readOpening(request: IncomingMessage, verify: Verify): {version: Version; token: string} | null {
	const url = URL.parse(request.url ?? '', 'http://localhost');
	if (url === null || !url.pathname.endsWith('/websocket')) return null;
	const version = url.searchParams.get('vsn') ?? '1.0.0';
	const header = request.headers['x-api-key'];
	const token = url.searchParams.get('apikey') ?? (typeof header === 'string' ? header : '');
	if (version !== '1.0.0' && version !== '2.0.0') return null;
	return 'subscriber' in readToken(verify, token) ? {version, token} : null;
}
