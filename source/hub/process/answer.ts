import type {IncomingMessage} from 'node:http';
import type {DatabaseAway} from '../database/database.ts';
import {preflight} from '../http/cors.ts';
import {holderOf} from '../http/holder.ts';
import {json, refusal, splitTarget, type Caller, type HubResponse} from '../http/http.ts';
import {bodyLimits, type BodyFault, type BodyLimits} from '../http/request-body.ts';
import type {UnderWay} from '../http/under-way.ts';
import {isNonce, proofOf} from '../local/proof.ts';
import {callerOf} from '../tokens/caller.ts';
import {isMeant, type Entrance} from './entrance.ts';
import type {Route} from './routes.ts';

export interface AnswerOptions {
	readonly jwtSecret: string;
	/** The response to a caller whose token was ended before it expired; null for all others. */
	readonly refuse?: (caller: Caller) => Promise<HubResponse | null>;
	readonly routes: readonly Route[];
	/** Called for each request that is being answered. */
	readonly underWay?: UnderWay;
	/** The response of /health to this user's own programs; others only learn that the hub is running. */
	readonly health: () => object;
	/** `proofKey` answers challenges on /health. */
	readonly local?: {readonly proofKey: string};
	readonly limits?: {readonly bodies?: BodyLimits};
}

/** Checks a request, and passes it to the route of its path. */
export async function answer(
	options: AnswerOptions,
	entrance: Entrance,
	request: IncomingMessage,
	signal: AbortSignal,
): Promise<HubResponse> {
	const {method = 'GET', url: target = '', headers} = request;
	if (!isMeant(request, entrance)) {
		return refusal(403, 'Forbidden: the hub only accepts requests with its own Host and Origin.');
	}
	if (!target.startsWith('/')) return refusal(400, 'The address must start with a slash.');
	const {path, search} = splitTarget(target);
	if (path === '/health') return json(200, healthFor(options, entrance, search));
	const route = options.routes.find(({prefix}) => path === prefix || path.startsWith(`${prefix}/`));
	if (route === undefined) return refusal(404, 'no Route matched with those values');
	if (method === 'OPTIONS') return preflight(request);
	const query = new URLSearchParams(search);
	const secret = options.jwtSecret;
	const caller = callerOf(secret, headers, query, route.leeway);
	if ('status' in caller) return caller;
	const refused = await options.refuse?.(caller);
	if (refused) return refused;
	if (!entrance.connections.identify(request.socket, holderOf(caller))) {
		return refusal(429, 'Too many connections with one token: close some, or reuse them.');
	}
	const body = await entrance.bodies.read(request);
	if (typeof body === 'string') return refusedBody(body, options.limits?.bodies ?? bodyLimits);
	// The token may have ended while the body came.
	if (options.jwtSecret !== secret) return replaced;
	const late = await options.refuse?.(caller);
	if (late) return late;
	const given = {method, path: path.slice(route.prefix.length) || '/', query, headers, body, caller, signal};
	const answering = route.handle(given);
	const response = await (options.underWay?.follow(given, answering) ?? answering);
	return route.givesTokens === true && options.jwtSecret !== secret ? replaced : response;
}

const replaced = refusal(401, 'The keys of the hub were replaced meanwhile.');

/** Process and version are only for this user's programs, not for web pages and other users. */
function healthFor({health, local}: AnswerOptions, {port, place}: Entrance, search: string): object {
	const facts = port === null ? health() : {status: 'ok'};
	const nonce = new URLSearchParams(search).get('challenge') ?? '';
	return local !== undefined && isNonce(nonce) ? {...facts, proof: proofOf(local.proofKey, nonce, place)} : facts;
}

function refusedBody(fault: BodyFault, {size}: BodyLimits): HubResponse {
	switch (fault) {
		case 'too large':
			return refusal(413, `The body is larger than ${size} bytes.`);
		case 'too slow':
			return refusal(408, 'The body was not complete in time.');
		case 'too many':
			return refusal(503, 'Too many large requests at the same time; try again.');
		case 'gone':
			// The client has hung up.
			return refusal(400, 'The body is incomplete.');
	}
	return fault satisfies never;
}

/** PostgREST's response for an unavailable database, which is used on all paths. */
export function away({code, message, details, hint}: DatabaseAway): HubResponse {
	const answer = json(code === 'PGRST003' ? 504 : 503, {code, details, hint, message});
	return {...answer, headers: {...answer.headers, 'proxy-status': `PostgREST; error=${code}`, 'retry-after': '1'}};
}
