import type {IncomingHttpHeaders} from 'node:http';

const names = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Whether a request means this hub and comes from this machine's own programs. A web page elsewhere can make a browser
 * send requests to 127.0.0.1, under its own Origin, or under its own Host when its name was bound to 127.0.0.1.
 */
export function isLocalRequest({host, origin}: IncomingHttpHeaders, port: number): boolean {
	if (host === undefined) return false;
	const at = host.lastIndexOf(':');
	if (!names.has(host.slice(0, at).toLowerCase()) || host.slice(at + 1) !== String(port)) return false;
	return origin === undefined || isLoopback(origin);
}

/** Whether an Origin is a page that this machine itself serves. */
export function isLoopback(origin: string): boolean {
	return URL.canParse(origin) && names.has(new URL(origin).hostname);
}
