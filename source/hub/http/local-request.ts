import type {IncomingHttpHeaders} from 'node:http';

const names = new Set(['127.0.0.1', 'localhost', '[::1]']);
const origins: ReadonlySet<string> = new Set(['http://127.0.0.1', 'http://localhost']);

/**
 * Whether a request is addressed to this hub and does not come from a web page of another origin. Any web page can make a browser send
 * requests to 127.0.0.1: with the page's Origin, or with its Host if its name resolves to 127.0.0.1 (DNS rebinding).
 */
export function isLocalRequest({host, origin}: IncomingHttpHeaders, port: number): boolean {
	if (host === undefined) return false;
	const at = host.lastIndexOf(':');
	if (!names.has(host.slice(0, at).toLowerCase()) || host.slice(at + 1) !== String(port)) return false;
	return origin === undefined || isOwnOrigin(origin, port);
}

/** Whether an Origin is the hub itself; other ports of this machine may serve any page, even another user's. */
export function isOwnOrigin(origin: string, port: number): boolean {
	const at = origin.lastIndexOf(':');
	return origin.slice(at + 1) === String(port) && origins.has(origin.slice(0, at).toLowerCase());
}
