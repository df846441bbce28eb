import type {Socket} from 'node:net';

/** Loaded on demand: it takes a millisecond, and a hook needs it only without a Unix socket. */
const crypto = () => process.getBuiltinModule('node:crypto');

/**
 * The hub's answer to a challenge: an HMAC (RFC 2104) that only a reader of state/hub.json can compute. `endpoint` is the port or pipe
 * on which the challenge arrived, so a program that listens on another one cannot relay it to the hub.
 */
export function proofOf(key: string, nonce: string, endpoint: string): string {
	return crypto().createHmac('sha256', key).update(`${nonce}|${endpoint}`).digest('base64url');
}

export function newProofKey(): string {
	return crypto().randomBytes(32).toString('base64url');
}

/** Whether a client's challenge is long enough to be unique and short enough to be harmless. */
export function isNonce(text: string): boolean {
	return /^[\w-]{16,128}$/.test(text);
}

const timeout = 3000;
/** Bytes; the hub's answer has a few hundred. */
const maxAnswerLength = 4096;

/**
 * Resolves with `socket` when the other end has proven on it that it is the hub; only then may a token be sent. Otherwise closes it and
 * rejects.
 */
export async function proven(socket: Socket, key: string, endpoint: string): Promise<Socket> {
	const nonce = crypto().randomBytes(24).toString('base64url');
	// Later users of the socket add their own listeners; without one until then, an error would end the process.
	socket.on('error', () => socket.destroy());
	try {
		const answer = await ask(socket, `/health?challenge=${nonce}`, endpoint);
		const expected = Buffer.from(proofOf(key, nonce, endpoint));
		const given = Buffer.from(proofIn(answer));
		if (given.length === expected.length && crypto().timingSafeEqual(given, expected)) return socket;
	} catch (error) {
		socket.destroy();
		throw error;
	}
	socket.destroy();
	throw new UnprovenHub(`A program other than the hub answers at ${endpoint}; nothing was sent to it.`);
}

/** Another program answers at the hub's address. */
class UnprovenHub extends Error {
	readonly code = 'EUNPROVEN';
	override readonly name = 'UnprovenHub';
}

/** Sends a GET without any credentials, keeps the connection open, and resolves with the head and body of the response. */
function ask(socket: Socket, path: string, endpoint: string): Promise<string> {
	const {promise, resolve, reject} = Promise.withResolvers<string>();
	let text = '';
	const onData = (chunk: Buffer): void => {
		text += chunk.toString('latin1');
		const end = text.indexOf('\r\n\r\n');
		const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? Number.NaN);
		if (end !== -1 && text.length >= end + 4 + length) resolve(text);
		else if (text.length > maxAnswerLength || (end !== -1 && Number.isNaN(length))) resolve('');
	};
	const onEnd = (): void => resolve('');
	const timer = setTimeout(() => reject(new Error('no answer to a challenge')), timeout);
	socket.on('data', onData).once('error', reject).once('end', onEnd);
	const host = /^\d+$/.test(endpoint) ? `127.0.0.1:${endpoint}` : 'localhost';
	socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
	return promise.finally(() => {
		clearTimeout(timer);
		socket.off('data', onData).off('error', reject).off('end', onEnd);
	});
}

function proofIn(answer: string): string {
	try {
		const {proof} = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as {readonly proof?: unknown};
		return typeof proof === 'string' ? proof : '';
	} catch {
		return '';
	}
}
