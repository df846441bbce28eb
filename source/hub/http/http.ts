import type {IncomingHttpHeaders} from 'node:http';

/** Who calls, from the verified token. */
export interface Caller {
	/** The token's `role`: `anon`, `authenticated` or `service_role`. */
	readonly role: string;
	readonly claims: {readonly [claim: string]: unknown};
}

/** One request after Host, Origin, size and token were checked. */
export interface HubRequest {
	readonly method: string;
	/** What follows the part's own prefix (`/rest/v1`), with its slash, still percent-encoded: `/messages`. */
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
	readonly caller: Caller;
	/** Aborted when nobody waits for the answer any more. */
	readonly signal?: AbortSignal;
}

export interface HubResponse {
	readonly status: number;
	readonly headers?: {readonly [name: string]: string};
	readonly body?: string | Buffer;
}

export type Handler = (request: HubRequest) => Promise<HubResponse>;

/** An answer whose body is that value as JSON. */
export function json(status: number, value: unknown): HubResponse {
	return {status, headers: {'content-type': 'application/json; charset=utf-8'}, body: JSON.stringify(value)};
}

/** An error response with a message. */
export function refusal(status: number, message: string): HubResponse {
	return json(status, {message});
}
