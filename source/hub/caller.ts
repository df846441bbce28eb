import type {IncomingHttpHeaders} from 'node:http';
import type {Caller, HubResponse} from './http.ts';
import {verifyToken, type TokenFault} from './token.ts';

/**
 * Who calls, by the two tokens that Supabase's gateway and the service behind it look at: `apikey` (header or parameter, taken
 * out of the query) opens the gate, the bearer decides the role. One of them is enough. Or what to answer instead.
 */
export function callerOf(secret: string, headers: IncomingHttpHeaders, query: URLSearchParams): Caller | HubResponse {
	const key = header(headers['apikey']) ?? query.get('apikey') ?? undefined;
	query.delete('apikey');
	const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
	const token = bearer ?? key;
	if (token === undefined) {
		return unauthorized({
			message: 'No API key found in request',
			hint: 'No `apikey` request header or url param was found.',
		});
	}
	if (key !== undefined && key !== token && 'fault' in verifyToken(secret, key)) return invalidKey;
	const caller = verifyCaller(secret, token);
	if (!('fault' in caller)) return caller;
	return bearer === undefined || bearer === key ? invalidKey : refused[caller.fault];
}

/** Whom a token makes of its bearer, or why nobody. */
export function verifyCaller(secret: string, token: string): Caller | {readonly fault: TokenFault | 'role'} {
	const verified = verifyToken(secret, token);
	if ('fault' in verified) return verified;
	const {claims} = verified;
	const {role} = claims;
	return typeof role === 'string' && roles.has(role) ? {role, claims} : {fault: 'role'};
}

const roles = new Set(['anon', 'authenticated', 'service_role']);

const invalidKey = unauthorized({
	message: 'Invalid API key',
	hint: 'Double check your Supabase `anon` or `service_role` API key.',
});

/** PostgREST's answers: https://docs.postgrest.org/en/stable/references/errors.html#group-3-jwt */
const refused: {readonly [fault in TokenFault | 'role']: HubResponse} = {
	malformed: badToken('PGRST301', 'JWSError (CompactDecodeError Invalid number of parts)'),
	signature: badToken('PGRST301', 'JWSError JWSInvalidSignature'),
	expired: badToken('PGRST303', 'JWT expired'),
	role: badToken('PGRST303', 'The token names no role that this hub knows'),
};

function badToken(code: string, message: string): HubResponse {
	const answer = unauthorized({code, details: null, hint: null, message});
	const challenge = `Bearer error="invalid_token", error_description="${message}"`;
	return {...answer, headers: {...answer.headers, 'www-authenticate': challenge}};
}

function unauthorized(value: object): HubResponse {
	return {
		status: 401,
		headers: {'content-type': 'application/json; charset=utf-8'},
		body: JSON.stringify(value),
	};
}

function header(value: string | string[] | undefined): string | undefined {
	return Array.isArray(value) ? value[0] : value;
}
