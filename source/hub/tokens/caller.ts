import type {IncomingHttpHeaders} from 'node:http';
import {json, type Caller, type HubResponse} from '../http/http.ts';
import {verifyToken, type TokenFault} from './token.ts';

/**
 * The caller of a request, or the response that refuses it. As with Supabase, `apikey` (a header, or a parameter, which is removed from
 * the query) is for the gateway, and the bearer token determines the role; one of them is enough. `leeway`: milliseconds for which an
 * expired token is still accepted.
 */
export function callerOf(
	secret: string,
	headers: IncomingHttpHeaders,
	query: URLSearchParams,
	leeway = postgrestLeeway,
): Caller | HubResponse {
	const key = header(headers['apikey']) ?? query.get('apikey') ?? undefined;
	query.delete('apikey');
	const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
	const token = bearer ?? key;
	if (token === undefined) {
		return json(401, {
			message: 'No API key found in request',
			hint: 'No `apikey` request header or url param was found.',
		});
	}
	if (key !== undefined && key !== token && 'fault' in verifyToken(secret, key)) return invalidKey;
	const caller = verifyCaller(secret, token, {leeway, roleless: 'anon'});
	if (!('fault' in caller)) return caller;
	return bearer === undefined || bearer === key ? invalidKey : refused(caller.fault, token);
}

/** The caller that a token authenticates, or what is wrong with it. `roleless`: the role if it names none. `leeway`: milliseconds. */
export function verifyCaller(
	secret: string,
	token: string,
	{leeway = 0, roleless = ''}: {readonly leeway?: number; readonly roleless?: string} = {},
): Caller | {readonly fault: TokenFault | UnknownRole} {
	const verified = verifyToken(secret, token, {leeway});
	if ('fault' in verified) return verified;
	const {claims} = verified;
	const {role = roleless} = claims;
	return typeof role === 'string' && roles.has(role) ? {role, claims} : {fault: {role: String(role)}};
}

interface UnknownRole {
	readonly role: string;
}

const roles = new Set(['anon', 'authenticated', 'service_role']);

/** The difference between clocks that PostgREST allows. */
const postgrestLeeway = 30_000;

const invalidKey = json(401, {
	message: 'Invalid API key',
	hint: 'Double check your Supabase `anon` or `service_role` API key.',
});

/** PostgREST's responses: https://docs.postgrest.org/en/v14/references/errors.html#group-3-jwt */
function refused(fault: TokenFault | UnknownRole, token: string): HubResponse {
	if (typeof fault !== 'string') {
		const message = `role ${JSON.stringify(fault.role)} does not exist`;
		return json(401, {code: '22023', details: null, hint: null, message});
	}
	switch (fault) {
		case 'malformed': {
			const parts = token.split('.').length;
			const message = parts === 3 ? 'JWT cryptographic operation failed' : `Expected 3 parts in JWT; got ${parts}`;
			return badToken('PGRST301', message);
		}
		case 'unsecured':
			return badToken(
				'PGRST301',
				'Wrong or unsupported encoding algorithm',
				"JWT is unsecured but expected 'alg' was not 'none'",
			);
		case 'signature':
			return badToken('PGRST301', 'No suitable key or wrong key type', 'None of the keys was able to decode the JWT');
		case 'expired':
			return badToken('PGRST303', 'JWT expired');
		case 'early':
			return badToken('PGRST303', 'JWT not yet valid');
		case 'issued later':
			return badToken('PGRST303', 'JWT issued at future');
		case 'unstorable':
			return badToken('PGRST303', 'The JWT claims contain NUL, half a surrogate pair, or too many levels');
		case 'aud claim':
			return badToken('PGRST303', "The JWT 'aud' claim must be a string or an array of strings");
		case 'exp claim':
		case 'nbf claim':
		case 'iat claim':
			return badToken('PGRST303', `The JWT '${fault.slice(0, 3)}' claim must be a number`);
	}
	return fault satisfies never;
}

function badToken(code: string, message: string, details: string | null = null): HubResponse {
	const answer = json(401, {code, details, hint: null, message});
	const challenge = `Bearer error="invalid_token", error_description="${message}"`;
	return {...answer, headers: {...answer.headers, 'www-authenticate': challenge}};
}

function header(value: string | string[] | undefined): string | undefined {
	return Array.isArray(value) ? value[0] : value;
}
