import {connect, type Socket} from 'node:net';

/** Where the mailbox is, and what opens it. */
export interface Credentials {
	/** Of a hub, `supabase start` or a hosted project; without a slash at the end. */
	readonly url: string;
	/** The anon key, or a service key. */
	readonly key: string;
	/** The agent's own; absent: the key speaks, as `tag`. */
	readonly token?: string;
	readonly tag: string;
	/** Connects to the hub of this machine, which is proven then; without it, the way is the URL's. Throws, or rejects. */
	readonly dial?: () => Socket | Promise<Socket>;
	/** Keeps the token that the hub has made in the place of one that had expired. Where that fails, the next hook asks again. */
	readonly keep?: (token: string) => void;
}

/** The functions of the database that a hook may call; everything else goes through gateway/. */
type Name = 'mailbox_state' | 'inbox_take' | 'inbox' | 'receipt_deliver' | 'receipt_release' | 'agent_touch';

export type Call = (name: Name, args: object, columns?: readonly string[]) => Promise<unknown>;

/** The other end said no, or nothing that can be understood. The message is remote text. */
class Refusal extends Error {}

/**
 * The one place beside gateway/ that speaks REST: a hook runs at every step of an agent, and supabase-js (100 ms) or just
 * node:http (22 ms, as long as node itself takes to start) would cost more than all the rest of it.
 */
export function opened(credentials: Credentials): Call {
	const {key, tag, keep} = credentials;
	let {token = key} = credentials;
	let renewal: Promise<void> | null = null;
	const base = new URL(credentials.url);
	const send = base.protocol === 'https:' ? overTls : plainly(credentials.dial ?? (() => connectTo(base)));
	const post = (path: string, body: string): Promise<Answer> =>
		send(base, `${base.pathname.replace(/\/$/, '')}${path}`, body, {
			host: base.host,
			apikey: key,
			authorization: `Bearer ${token}`,
			'x-agentmux-tag': tag,
			'content-type': 'application/json',
			accept: 'application/json',
			'content-length': String(Buffer.byteLength(body)),
			connection: 'close',
		});
	const renew = async (): Promise<void> => {
		const {status, text} = await post('/agentmux/v1/tokens', '{}');
		const {token: next} = (status === 201 ? JSON.parse(text) : {}) as {readonly token?: string};
		if (next === undefined) return;
		token = next;
		try {
			keep?.(next);
		} catch {
			// A full disk: this hook has it all the same.
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

/** PostgREST's words, which the hub has, too. Anything else that is wrong with a token does not pass by itself. */
function isExpired({status, text}: Answer): boolean {
	return status === 401 && text.includes('PGRST303') && text.includes('JWT expired');
}

interface Answer {
	readonly status: number;
	readonly text: string;
}

type Send = (base: URL, path: string, body: string, headers: {readonly [name: string]: string}) => Promise<Answer>;

function connectTo({hostname, port}: URL): Socket {
	const host = hostname.replace(/^\[|\]$/g, '');
	return connect({host, port: Number(port === '' ? 80 : port), noDelay: true});
}

/**
 * HTTP/1.0 (RFC 1945): an answer is never sent in chunks, and ends with the connection. The first connection is made at
 * once, so that the other end gets ready while stdin is read.
 */
function plainly(dial: () => Socket | Promise<Socket>): Send {
	const connection = async (): Promise<Socket> => dial();
	let ready: Promise<Socket> | null = watched(connection());
	return async (_, path, body, headers) => {
		const connected = ready ?? watched(connection());
		ready = null;
		const socket = await connected;
		const {promise, resolve, reject} = Promise.withResolvers<Answer>();
		const failure = socket.errored;
		if (failure !== null) throw failure;
		const chunks: Buffer[] = [];
		let size = 0;
		// Bytes of the whole answer; undefined before its head is there, null where only the end of the connection tells.
		let whole: number | null | undefined;
		socket.on('data', chunk => {
			chunks.push(chunk);
			size += chunk.length;
			if (whole === undefined) whole = lengthOf(Buffer.concat(chunks));
			if (typeof whole === 'number' && size >= whole) resolve(parse(Buffer.concat(chunks)));
		});
		socket.on('error', reject);
		socket.on('end', () => {
			if (whole === null) resolve(parse(Buffer.concat(chunks)));
			else reject(new Refusal('the answer was cut off, or is no HTTP'));
		});
		const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
		socket.write(`POST ${path} HTTP/1.0\r\n${head.join('')}\r\n${body}`);
		return promise;
	};
}

/** Fails no earlier than somebody waits for it: an error until then is kept (`errored`) and not thrown. */
function watched(connection: Promise<Socket>): Promise<Socket> {
	connection.then(
		socket => socket.on('error', () => undefined),
		() => undefined,
	);
	return connection;
}

/** A hosted project is far away: there node:https costs less than the way. */
const overTls: Send = async (base, path, body, headers) => {
	const {request} = await import('node:https');
	return new Promise((resolve, reject) => {
		const asked = request(new URL(path, base), {method: 'POST', headers, agent: false}, response => {
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

const headEnd = '\r\n\r\n';

function lengthOf(bytes: Buffer): number | null | undefined {
	const end = bytes.indexOf(headEnd);
	if (end === -1) return undefined;
	const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1];
	return length === undefined ? null : end + headEnd.length + Number(length);
}

function parse(bytes: Buffer): Answer {
	const end = bytes.indexOf(headEnd);
	const status = /^HTTP\/1\.\d (\d{3})/.exec(bytes.toString('latin1', 0, end))?.[1];
	// No HTTP has no status that is a success.
	return {status: Number(status ?? 0), text: bytes.toString('utf8', end + headEnd.length)};
}

function read(credentials: Credentials, name: Name, status: number, text: string): unknown {
	let value: unknown;
	try {
		value = text === '' ? null : JSON.parse(text);
	} catch {
		throw new Refusal(
			`${name} was answered with something that is not JSON (status ${status}): no mailbox is at ${credentials.url}`,
		);
	}
	if (status >= 200 && status < 300) return value;
	const {message, code, hint} = (value ?? {}) as {readonly [field: string]: unknown};
	const parts = [typeof message === 'string' ? message : '', remedyOf(credentials, status, code, hint)];
	const said = parts.filter(part => part !== '').map(part => part.slice(0, 300));
	throw new Refusal(`${name} was refused with status ${status}: ${said.join('. ')}`);
}

function remedyOf({tag, token}: Credentials, status: number, code: unknown, hint: unknown): string {
	// PostgREST's word for a function that it does not find.
	if (code === 'PGRST202') return 'the database there is of another version than this hook: update the older of both';
	if (status === 401 && token !== undefined) return `\`agentmux join ${tag}\` in its folder makes another token`;
	return typeof hint === 'string' ? hint : '';
}
