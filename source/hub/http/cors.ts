import type {IncomingMessage, ServerResponse} from 'node:http';
import type {HubResponse} from './http.ts';

/** Lets a page of this origin read the response. */
export function allowOrigin(response: ServerResponse, origin: string): void {
	response.setHeader('access-control-allow-origin', origin);
	response.setHeader('access-control-expose-headers', 'Content-Range, Location, Preference-Applied');
	response.setHeader('vary', 'Origin');
}

/** What Supabase's gateway allows (https://supabase.com/docs/guides/api), but only for pages of the hub's own origin. */
export function preflight({headers}: IncomingMessage): HubResponse {
	return {
		status: 200,
		headers: {
			'access-control-allow-methods': 'GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS',
			'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
			'access-control-max-age': '3600',
		},
	};
}
