import type {IncomingHttpHeaders} from 'node:http';

const names = new Set(['127.0.0.1', 'localhost', '[::1]']);
const origins: ReadonlySet<string> = new Set(['http://127.0.0.1', 'http://localhost']);

/**
 * Whether a request means this hub and comes from this machine's own programs. A web page elsewhere can make a browser
 * send requests to 127.0.0.1, under its own Origin, or under its own Host when its name was bound to 127.0.0.1.
 */
export function isLocalRequest({host, origin}: IncomingHttpHeaders, port: number): boolean {
	if (host === undefined) return false;
	const at = host.lastIndexOf(':');
	if (!names.has(host.slice(0, at).toLowerCase()) || host.slice(at + 1) !== String(port)) return false;
	return origin === undefined || isOwnOrigin(origin, port);
}

/** Whether an Origin is this hub's own: another port of this machine may serve any page, and another user's. */
export function isOwnOrigin(origin: string, port: number): boolean {
	const at = origin.lastIndexOf(':');
	return origin.slice(at + 1) === String(port) && origins.has(origin.slice(0, at).toLowerCase());
}
