import type {Socket} from 'node:net';

export interface Question {
	readonly method: string;
	/** With the query string. */
	readonly path: string;
	readonly headers: {readonly [name: string]: string};
	readonly body?: string | undefined;
	/** Ends the exchange; its reason is the error. */
	readonly signal?: AbortSignal | undefined;
}

export interface Answer {
	/** 0 if the answer is not HTTP. */
	readonly status: number;
	/** Empty if there is none. */
	readonly type: string;
	readonly text: string;
}

/**
 * One request on a connection of its own, for programs that ask one thing and end. node:http would take as long to load as node itself
 * takes to start, and fetch longer than everything else. HTTP/1.0 (RFC 1945): an answer is never chunked, and ends with the
 * connection.
 */
export async function exchange(
	connection: Socket | Promise<Socket>,
	{method, path, headers, body = '', signal}: Question,
): Promise<Answer> {
	const socket = await connection;
	const {promise, resolve, reject} = Promise.withResolvers<Answer>();
	if (socket.errored !== null) throw socket.errored;
	const onAbort = (): void => {
		socket.destroy();
		reject(signal?.reason as Error);
	};
	if (signal?.aborted === true) onAbort();
	else signal?.addEventListener('abort', onAbort, {once: true});
	const chunks: Buffer[] = [];
	let size = 0;
	// Bytes of the whole answer; undefined before its head is complete, null if the answer ends with the connection.
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
		else reject(new CutOff('the answer was cut off, or is not HTTP'));
	});
	socket.on('close', () => reject(new CutOff('the connection was closed')));
	const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	const length = body === '' && method === 'GET' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
	socket.write(`${method} ${path} HTTP/1.0\r\n${head.join('')}${length}connection: close\r\n\r\n${body}`);
	return promise.finally(() => signal?.removeEventListener('abort', onAbort));
}

/** The other end closed the connection. Its code is that of a connection that breaks. */
class CutOff extends Error {
	readonly code = 'ECONNRESET';
}

const headEnd = '\r\n\r\n';

function lengthOf(bytes: Buffer): number | null | undefined {
	const end = bytes.indexOf(headEnd);
	if (end === -1) return undefined;
	const length = field(bytes.toString('latin1', 0, end), 'content-length');
	return length === '' ? null : end + headEnd.length + Number(length);
}

function parse(bytes: Buffer): Answer {
	const end = bytes.indexOf(headEnd);
	const head = bytes.toString('latin1', 0, end);
	const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
	return {
		status: Number(status ?? 0),
		type: field(head, 'content-type'),
		text: bytes.toString('utf8', end + headEnd.length),
	};
}

function field(head: string, name: string): string {
	return new RegExp(String.raw`\r\n${name}: *([^\r\n]*)`, 'i').exec(head)?.[1] ?? '';
}
