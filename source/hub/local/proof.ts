import type {Socket} from 'node:net';

/** Loaded when it is needed: to a hook, which needs it only where there is no Unix socket, it would cost a millisecond. */
const crypto = () => process.getBuiltinModule('node:crypto');

/**
 * What a hub answers to a challenge: an HMAC (RFC 2104) that only a reader of state/hub.json can make. `place` is the port
 * or the pipe that it was asked on: whoever listens elsewhere cannot pass a challenge on and its answer back.
 */
export function proofOf(key: string, nonce: string, place: string): string {
	return crypto().createHmac('sha256', key).update(`${nonce}|${place}`).digest('base64url');
}

export function newProofKey(): string {
	return crypto().randomBytes(32).toString('base64url');
}

/** A challenge, as a client may choose it: long enough to be its own, and short enough to be no burden. */
export function isNonce(text: string): boolean {
	return /^[\w-]{16,128}$/.test(text);
}

const timeout = 3000;
/** Bytes; the hub's own answer has a few hundred. */
const maxAnswerLength = 4096;

/**
 * Resolves with the connection itself once the other end has shown on it that it is the hub: only then may a token be sent.
 * Rejects otherwise, and the connection is closed.
 */
export async function proven(socket: Socket, key: string, place: string): Promise<Socket> {
	const nonce = crypto().randomBytes(24).toString('base64url');
	// Whoever uses it next hears of its errors; until then nobody may.
	socket.on('error', () => socket.destroy());
	try {
		const answer = await ask(socket, `/health?challenge=${nonce}`, place);
		const expected = Buffer.from(proofOf(key, nonce, place));
		const given = Buffer.from(proofIn(answer));
		if (given.length === expected.length && crypto().timingSafeEqual(given, expected)) return socket;
	} catch (error) {
		socket.destroy();
		throw error;
	}
	socket.destroy();
	throw new UnprovenHub(`Something else than the hub answers at ${place}; it was sent nothing.`);
}

/** Another program answers where the hub should. */
class UnprovenHub extends Error {
	readonly code = 'EUNPROVEN';
	override readonly name = 'UnprovenHub';
}

/** The head and body of an answer on a connection that stays open; the request says nothing but the challenge. */
function ask(socket: Socket, path: string, place: string): Promise<string> {
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
	const host = /^\d+$/.test(place) ? `127.0.0.1:${place}` : 'localhost';
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
