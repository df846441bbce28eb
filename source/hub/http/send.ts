import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Duplex} from 'node:stream';
import type {HubResponse} from './http.ts';

/** Bytes of URL and headers: enough for a filter `in.(...)` with six thousand ids. The limit of Supabase's gateway is lower. */
export const maxHeadSize = 64 * 1024;

/** Sends a response, unless another one has been sent or the client is gone. */
export function send(
	response: ServerResponse,
	request: IncomingMessage,
	{status, headers = {}, body = ''}: HubResponse,
): void {
	if (response.headersSent || response.destroyed) return;
	const bytes = Buffer.from(body);
	// The unread rest of the body would be parsed as the next request.
	if (!request.complete) response.setHeader('connection', 'close');
	// 204 and 304 have neither a body nor its length (RFC 9110, 8.6).
	const length = status === 204 || status === 304 ? {} : {'content-length': String(bytes.length)};
	response.writeHead(status, {...length, ...headers});
	response.end(request.method === 'HEAD' ? undefined : bytes);
	if (!request.complete) response.once('finish', () => request.destroy());
}

/** Responds to an invalid or slow request; to one with a URL that is too long, as Supabase's gateway does. */
export function refuseConnection({code}: NodeJS.ErrnoException, socket: Duplex): void {
	if (code === 'ECONNRESET' || !socket.writable) {
		socket.destroy();
		return;
	}
	const [status, message] = {
		HPE_HEADER_OVERFLOW: ['414 URI Too Long', `The URL and headers are larger than ${maxHeadSize} bytes.`] as const,
		ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request was not complete in time.'] as const,
	}[code ?? ''] ?? ['400 Bad Request', 'This is not an HTTP request.'];
	const body = JSON.stringify({message});
	socket.end(
		`HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
	);
	// A client that is still writing would miss the response if the connection closed now; but it must not keep it open for long.
	const timer = setTimeout(() => socket.destroy(), 2000);
	socket.once('close', () => clearTimeout(timer));
}
