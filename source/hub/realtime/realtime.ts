import type {IncomingMessage} from 'node:http';
import type {Duplex} from 'node:stream';
import {WebSocketServer} from 'ws';
import {depthLimitedDatabase} from '../database/depth-limited-database.ts';
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
import type {RealtimeContext} from './context.ts';
import {ChannelShares} from './shares.ts';
import {readBindings} from './subscription.ts';
import {readToken, type Verify} from './token.ts';
import {Topics} from './topic.ts';

export interface Realtime {
	/**
	 * Handles an upgrade request: opens a WebSocket on .../websocket, or responds with 403. All clients open the socket with the anon key;
	 * `countAs` is called with the holder of the token with which a channel is joined.
	 */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, countAs?: CountAs): void;
	/** The REST API; the path is the part after `/realtime/v1`. */
	readonly handle: Handler;
	/** Closes each socket that was opened or joined with a token that is no longer valid. */
	recheck(): void;
	/** Ends all channels and closes all sockets. */
	close(): Promise<void>;
}

export interface RealtimeOptions {
	/** Must be bootstrapped (source/hub/schema), and have the publication `supabase_realtime`. */
	readonly database: Database;
	readonly verify: Verify;
	readonly limits?: Partial<Limits>;
	/** Called with errors that cannot be reported to a client. */
	readonly onError?: (error: unknown) => void;
}

/** Stored messages are kept for replay for three days, as on Supabase. */
const prune = "delete from realtime.messages where inserted_at < (now() at time zone 'UTC') - interval '3 days'";
const pruneEvery = 3_600_000;

/** Implements Supabase Realtime over the port Database: Phoenix channels with the serializers 1.0.0 and 2.0.0. */
export async function createRealtime(options: RealtimeOptions): Promise<Realtime> {
	const {verify} = options;
	const database = depthLimitedDatabase(options.database);
	const limits = {...defaultLimits, ...options.limits};
	const onError = options.onError ?? (() => undefined);
	const catalog = new Catalog(database);
	const topics = new Topics();
	const changes = new Changes(database, catalog, limits.changes, onError);
	const context: RealtimeContext = {
		database,
		verify,
		limits,
		topics,
		changes,
		shares: new ChannelShares(limits),
		onError,
		mayReadPrivate: role => catalog.mayReadPrivate(role),
		readBindings: (role, entries) => readBindings(database, catalog, role, entries, limits.bindings),
	};
	// Above the limit, so that Connection closes the socket as Supabase Realtime does, before ws would.
	const sockets = new WebSocketServer({noServer: true, maxPayload: limits.frame * 2, perMessageDeflate: false});
	const connections = new Set<Connection>();
	let messages: Promise<void> = Promise.resolve();

	const deliver = async (message: Message): Promise<void> => {
		const content = message.content ?? (await storedMessage(database, message.id));
		if (content === null) return;
		const broadcast = storedBroadcast(message.id, content.event, content.payload, false);
		topics.broadcast(content.topic, message.private, broadcast);
	};
	const onNotice = (text: string, key: string): void => {
		const notice = parseNotice(text, key);
		if (notice?.kind === 'ddl') changes.forget();
		else if (notice?.kind === 'change') changes.enqueue(notice);
		else if (notice?.kind === 'message') messages = messages.then(() => deliver(notice)).catch(onError);
	};
	const unlisten = await database.listen('realtime', withNoticeKey(database, onNotice, onError));
	const pruneMessages = (): void => void database.run(ownScope, [{text: prune}]).catch(onError);
	pruneMessages();
	const pruning = setInterval(pruneMessages, pruneEvery);
	pruning.unref();
	let closed = false;

	return {
		upgrade(request, socket, head, countAs = () => undefined) {
			const opened = closed ? null : readOpening(request, verify);
			if (opened === null) {
				// Nothing reads from the socket any more, so a close by the client would go unnoticed.
				socket.once('finish', () => socket.destroy());
				socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
				return;
			}
			sockets.handleUpgrade(request, socket, head, webSocket => {
				const connection = new Connection(context, webSocket, socket, {...opened, countAs});
				connections.add(connection);
				webSocket.on('close', () => connections.delete(connection));
			});
		},
		handle: request => handleBroadcast(context, request),
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

/** The serializer and key of an upgrade request; null if it must be refused. */
function readOpening(request: IncomingMessage, verify: Verify): {version: Version; token: string} | null {
	const url = URL.parse(request.url ?? '', 'http://localhost');
	if (url === null || !url.pathname.endsWith('/websocket')) return null;
	const version = url.searchParams.get('vsn') ?? '1.0.0';
	const header = request.headers['x-api-key'];
	const token = url.searchParams.get('apikey') ?? (typeof header === 'string' ? header : '');
	if (version !== '1.0.0' && version !== '2.0.0') return null;
	return 'subscriber' in readToken(verify, token) ? {version, token} : null;
}
