import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {setTimeout as delay} from 'node:timers/promises';
import {bootstrap, owner} from '../../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../../source/hub/database/database.ts';
import type {Caller} from '../../../source/hub/http/http.ts';
import type {Limits} from '../../../source/hub/realtime/limits.ts';
import {createRealtime, type Realtime} from '../../../source/hub/realtime/realtime.ts';
import {readSql} from '../../../source/hub/files/read-sql.ts';
import {signToken, verifyToken, type Claims} from '../../../source/hub/tokens/token.ts';
import {onPostgres} from '../../helpers/engine.ts';
import {openPostgresDatabase} from '../rest/postgres-database.ts';
import {openInMemory} from '../../helpers/prepared.ts';

const secret = 'a secret of at least thirty-two characters';
const prefix = '/realtime/v1';

/** Realtime behind a plain HTTP server on a free port, over a database in memory. */
export interface Rig {
	readonly database: Database;
	readonly realtime: Realtime;
	/** http://127.0.0.1:PORT */
	readonly url: string;
	/** The errors that clients did not see. */
	readonly faults: readonly unknown[];
	/** Throws them. */
	checkFaults(): void;
	token(claims: Claims): string;
	/** Runs a script as the owner. */
	sql(text: string): Promise<void>;
	/** Stops serving; the database stays. */
	shut(): Promise<void>;
	stop(): Promise<void>;
}

/** On the engine that the tests run on: vitest.config.ts. */
export async function openDatabase(): Promise<Database> {
	const database = await (onPostgres ? openPostgresDatabase() : openInMemory());
	await bootstrap(database);
	await database.script(owner, readSql(new URL('../../../source/hub/schema/realtime.sql', import.meta.url)));
	return database;
}

/** Without a database it opens its own, and closes it. */
export async function startRig(limits: Partial<Limits> = {}, shared: Database | null = null): Promise<Rig> {
	const database = shared ?? (await openDatabase());
	const faults: unknown[] = [];
	const realtime = await createRealtime({database, verify, limits, onError: error => faults.push(error)});
	const server = serve(realtime);
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	const shut = async (): Promise<void> => {
		await realtime.close();
		server.closeAllConnections();
		await new Promise(resolve => server.close(resolve));
	};
	return {
		database,
		realtime,
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		faults,
		checkFaults: () => {
			if (faults.length > 0) throw new AggregateError(faults.splice(0), 'realtime failed unseen');
		},
		token: claims => signToken(secret, claims),
		sql: async text => {
			await database.script(owner, text);
		},
		shut,
		stop: async () => {
			await shut();
			if (shared === null) await database.close();
		},
	};
}

/** In one hour, as JWT says it. */
export function soon(seconds = 3600): number {
	return Math.floor(Date.now() / 1000) + seconds;
}

/** As strict as the recorded server: a role and an expiry are required. */
function verify(token: string): Caller | {fault: string} {
	const verified = verifyToken(secret, token);
	if ('fault' in verified) return verified;
	const {role, exp} = verified.claims;
	return typeof role === 'string' && exp !== undefined ? {role, claims: verified.claims} : {fault: 'incomplete'};
}

function serve(realtime: Realtime): Server {
	const server = createServer((request, response) => void answer(realtime, request, response));
	server.on('upgrade', (request, socket, head) => realtime.upgrade(request, socket, head));
	return server;
}

async function answer(realtime: Realtime, request: IncomingMessage, response: ServerResponse): Promise<void> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	const {apikey, authorization} = request.headers;
	const bearer = /^Bearer (.*)$/u.exec(authorization ?? '')?.[1];
	const caller = verify(bearer ?? String(apikey ?? ''));
	if ('fault' in caller) {
		response.writeHead(401, {'content-type': 'application/json; charset=utf-8'});
		response.end('{"message":"Unauthorized"}');
		return;
	}
	const url = new URL(request.url ?? '', 'http://localhost');
	const path = url.pathname.replace(prefix, '');
	const {method = 'GET', headers} = request;
	const body = Buffer.concat(chunks);
	const {
		status,
		headers: more,
		body: text,
	} = await realtime.handle({method, path, query: url.searchParams, headers, body, caller});
	response.writeHead(status, more);
	response.end(text);
}

/** Resolves when the condition holds; rejects after 20 s with the result of `message`. */
export async function until(condition: () => boolean, message: () => string = () => 'waited in vain'): Promise<void> {
	for (const start = Date.now(); !condition(); await delay(2)) {
		if (Date.now() - start > 20_000) throw new Error(message());
	}
}
