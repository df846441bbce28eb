import type {IncomingHttpHeaders} from 'node:http';

/** The caller, according to the verified token. */
export interface Caller {
	/** The token's `role`: `anon`, `authenticated` or `service_role`. */
	readonly role: string;
	readonly claims: {readonly [claim: string]: unknown};
}

/** A request whose Host, Origin, size and token have been checked. */
export interface HubRequest {
	readonly method: string;
	/** The path after the API's prefix (`/rest/v1`), with a leading slash, still percent-encoded: `/messages`. */
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
	readonly caller: Caller;
	/** Aborted when the client no longer waits for the response. */
	readonly signal?: AbortSignal;
}

export interface HubResponse {
	readonly status: number;
	readonly headers?: {readonly [name: string]: string};
	readonly body?: string | Buffer;
}

export type Handler = (request: HubRequest) => Promise<HubResponse>;

/** A response with the value as JSON. */
export function json(status: number, value: unknown): HubResponse {
	return {status, headers: {'content-type': 'application/json; charset=utf-8'}, body: JSON.stringify(value)};
}

/** An error response: `{"message": ...}`. */
export function refusal(status: number, message: string): HubResponse {
	return json(status, {message});
}

/** The path of a request's target, and the query string without its question mark. */
export function splitTarget(target: string): {path: string; search: string} {
	const at = target.indexOf('?');
	return at === -1 ? {path: target, search: ''} : {path: target.slice(0, at), search: target.slice(at + 1)};
}
