import {connect, type Socket} from 'node:net';
import {exchange, type Answer} from '../../hub/local/exchange.ts';

/** The address of the mailbox, and the credentials for it. */
export interface RpcOptions {
	/** Of a hub, `supabase start` or a hosted project; without a trailing slash. */
	readonly url: string;
	/** The anon key, or a service key. */
	readonly key: string;
	/** The agent's token; if absent, the key is used, acting as `tag`. */
	readonly token?: string;
	readonly tag: string;
	/** Connects to the hub of this machine and verifies it; if absent, the URL is used. Throws or rejects. */
	readonly dial?: () => Socket | Promise<Socket>;
	/** Saves the token that replaced an expired one. If that fails, the next hook asks again. */
	readonly keep?: (token: string) => void;
}

/** The functions of the database that a hook may call; everything else goes through gateway/. */
type Name =
	| 'mailbox_state'
	| 'hook_take'
	| 'inbox_take'
	| 'inbox'
	| 'receipt_deliver'
	| 'receipt_release'
	| 'receipt_return'
	| 'wake_begin'
	| 'agent_touch'
	| 'agent_stopped'
	| 'task_held'
	| 'approval_ask'
	| 'approval_look'
	| 'approval_end';

export type Call = (name: Name, args: object, columns?: readonly string[]) => Promise<unknown>;

/** The request was refused, or the answer cannot be understood. The message is remote text. */
class Refusal extends Error {
	/** The database's or PostgREST's code; empty if there is none. */
	readonly code: string;

	constructor(message: string, code = '') {
		super(message);
		this.code = code;
	}
}

/** Whether the database, of an earlier version, has no such function. */
export function isUnknownFunction(error: unknown): boolean {
	return error instanceof Refusal && error.code === 'PGRST202';
}

/**
 * A REST client for hooks, the only one outside of gateway/. A hook runs at every step of an agent, and supabase-js (100 ms) or even
 * node:http (22 ms, as long as node itself takes to start) would take longer than everything else in it.
 */
export function connectRpc(credentials: RpcOptions): Call {
	const {key, tag, keep} = credentials;
	let {token = key} = credentials;
	let renewal: Promise<void> | null = null;
	const base = new URL(credentials.url);
	const send = base.protocol === 'https:' ? overTls : plainly(credentials.dial ?? (() => connectTo(base)));
	const post = (path: string, body: string): ReturnType<Send> =>
		send(base, `${base.pathname.replace(/\/$/, '')}${path}`, body, {
			host: base.host,
			apikey: key,
			authorization: `Bearer ${token}`,
			'x-agentmux-tag': tag,
			'content-type': 'application/json',
			accept: 'application/json',
		});
	const renew = async (): Promise<void> => {
		const {status, text} = await post('/agentmux/v1/tokens', '{}');
		const {token: next} = (status === 201 ? JSON.parse(text) : {}) as {readonly token?: string};
		if (next === undefined) return;
		token = next;
		try {
			keep?.(next);
		} catch {
			// The disk may be full. This hook can still use the token.
		}
	};
	return async (name, args, columns) => {
		const body = JSON.stringify(args);
		const path = `/rest/v1/rpc/${name}${columns === undefined ? '' : `?select=${columns.map(encodeURIComponent).join(',')}`}`;
		let answer = await post(path, body);
		if (keep !== undefined && isExpired(answer)) {
			await (renewal ??= renew());
			answer = await post(path, body);
		}
		return read(credentials, name, answer.status, answer.text);
	};
}

/** Matches PostgREST's message, which the hub uses, too. Other problems with a token cannot be solved by renewing it. */
function isExpired({status, text}: Awaited<ReturnType<Send>>): boolean {
	return status === 401 && text.includes('PGRST303') && text.includes('JWT expired');
}

type Send = (
	base: URL,
	path: string,
	body: string,
	headers: {readonly [name: string]: string},
) => Promise<Pick<Answer, 'status' | 'text'>>;

function connectTo({hostname, port}: URL): Socket {
	const host = hostname.replace(/^\[|\]$/g, '');
	return connect({host, port: Number(port === '' ? 80 : port), noDelay: true});
}

/** The first connection is made immediately, so that the other end gets ready while stdin is read. */
function plainly(dial: () => Socket | Promise<Socket>): Send {
	const connection = async (): Promise<Socket> => dial();
	let ready: Promise<Socket> | null = watched(connection());
	return async (_, path, body, headers) => {
		const connected = ready ?? watched(connection());
		ready = null;
		return exchange(connected, {method: 'POST', path, body, headers});
	};
}

/** Keeps an error of the connection (`errored`) from being thrown before somebody waits for it. */
function watched(connection: Promise<Socket>): Promise<Socket> {
	connection.then(
		socket => socket.on('error', () => undefined),
		() => undefined,
	);
	return connection;
}

/** For a hosted project node:https is fine: the network takes longer than loading it. */
const overTls: Send = async (base, path, body, headers) => {
	const {request} = await import('node:https');
	return new Promise((resolve, reject) => {
		const length = {'content-length': String(Buffer.byteLength(body)), connection: 'close'};
		const options = {method: 'POST', headers: {...headers, ...length}, agent: false};
		const asked = request(new URL(path, base), options, response => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (chunk: string) => (text += chunk));
			response.on('end', () => resolve({status: response.statusCode ?? 0, text}));
			response.on('error', reject);
		});
		asked.on('error', reject);
		asked.end(body);
	});
};

function read(credentials: RpcOptions, name: Name, status: number, text: string): unknown {
	let value: unknown;
	try {
		value = text === '' ? null : JSON.parse(text);
	} catch {
		throw new Refusal(
			`the answer to ${name} is not JSON (status ${status}): there is no mailbox at ${credentials.url}`,
		);
	}
	if (status >= 200 && status < 300) return value;
	const {message, code, hint} = (value ?? {}) as {readonly [field: string]: unknown};
	const parts = [typeof message === 'string' ? message : '', remedyOf(credentials, status, code, hint)];
	const said = parts.filter(part => part !== '').map(part => part.slice(0, 300));
	throw new Refusal(
		`${name} was refused with status ${status}: ${said.join('. ')}`,
		typeof code === 'string' ? code : '',
	);
}

function remedyOf({tag, token}: RpcOptions, status: number, code: unknown, hint: unknown): string {
	// PostgREST's code for a function that it does not find.
	if (code === 'PGRST202') return 'The database and this hook have different versions: update the older one';
	if (status === 401 && token !== undefined)
		return `Run \`agentmux join ${tag}\` in its folder to create another token`;
	return typeof hint === 'string' ? hint : '';
}
