import {randomUUID} from 'node:crypto';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {StreamableHTTPServerTransport} from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type {JSONRPCMessage, RequestId} from '@modelcontextprotocol/sdk/types.js';
import {cli} from './program.ts';

/** `agentmux mcp` behind HTTP, for suites that can only test that. */
export interface Bridge {
	readonly url: string;
	stop(): Promise<void>;
}

/** A suite's call of a tool, and the call of one of ours that replaces it. */
export interface StandIns {
	readonly [name: string]: {readonly name: string; readonly arguments: {readonly [name: string]: unknown}};
}

/** One process for each session, on the hub of that home. Everything but the replaced calls is passed on unchanged. */
export async function startBridge(home: string, tag: string, standIns: StandIns = {}): Promise<Bridge> {
	const sessions = new Map<string, {http: StreamableHTTPServerTransport; stdio: StdioClientTransport}>();
	const hosts: string[] = [];

	async function open(): Promise<StreamableHTTPServerTransport> {
		const stdio = new StdioClientTransport({
			command: process.execPath,
			args: [cli, 'mcp', '--as', tag],
			env: {PATH: process.env['PATH'] ?? '', AGENTMUX_HOME: home},
		});
		const http = new StreamableHTTPServerTransport({
			sessionIdGenerator: randomUUID,
			onsessioninitialized: id => void sessions.set(id, {http, stdio}),
			allowedHosts: hosts,
			allowedOrigins: hosts.map(host => `http://${host}`),
			enableDnsRebindingProtection: true,
		});
		// Over HTTP a notification belongs to the answer of a request; over stdio only the token says to which.
		const requests = new Map<string | number, RequestId>();
		const fromClient = (message: JSONRPCMessage): void => {
			const token = tokenOf(message);
			if (token !== undefined && 'id' in message && message.id !== undefined) requests.set(token, message.id);
			void stdio.send(instead(message, standIns));
		};
		const fromServer = (message: JSONRPCMessage): void => {
			const token = 'method' in message ? message.params?.['progressToken'] : undefined;
			const related = typeof token === 'string' || typeof token === 'number' ? requests.get(token) : undefined;
			void http.send(message, related === undefined ? {} : {relatedRequestId: related});
		};
		Object.assign(http, {onmessage: fromClient, onclose: () => void stdio.close()});
		Object.assign(stdio, {onmessage: fromServer});
		await Promise.all([stdio.start(), http.start()]);
		return http;
	}

	async function answer(
		known: StreamableHTTPServerTransport | undefined,
		request: IncomingMessage,
		response: ServerResponse,
	): Promise<void> {
		const http = known ?? (await open());
		await http.handleRequest(request, response);
		// A refused request does not start a session.
		if (http.sessionId === undefined) await http.close();
	}

	const server = createServer((request, response) => {
		const id = request.headers['mcp-session-id'];
		const known = typeof id === 'string' ? sessions.get(id)?.http : undefined;
		answer(known, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
	});
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	const {port} = server.address() as AddressInfo;
	hosts.push(`127.0.0.1:${port}`, `localhost:${port}`);
	return {
		url: `http://127.0.0.1:${port}/mcp`,
		async stop() {
			await Promise.all([...sessions.values()].map(({http}) => http.close()));
			server.closeAllConnections();
			await new Promise<void>(resolve => {
				server.close(() => resolve());
			});
		},
	};
}

function tokenOf(message: JSONRPCMessage): string | number | undefined {
	const token = 'method' in message ? message.params?._meta?.progressToken : undefined;
	return typeof token === 'string' || typeof token === 'number' ? token : undefined;
}

function instead(message: JSONRPCMessage, standIns: StandIns): JSONRPCMessage {
	if (!('method' in message) || message.method !== 'tools/call') return message;
	return {...message, params: {...message.params, ...standIns[String(message.params?.['name'])]}};
}
