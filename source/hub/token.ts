import {createHmac, timingSafeEqual} from 'node:crypto';

export type Claims = {readonly [claim: string]: unknown};

/** A JWT signed with HS256 (RFC 7519, RFC 7515), as Supabase signs its anon and service_role keys. */
export function signToken(secret: string, claims: Claims): string {
	const unsigned = `${encode({alg: 'HS256', typ: 'JWT'})}.${encode(claims)}`;
	return `${unsigned}.${signature(secret, unsigned).toString('base64url')}`;
}

export type TokenFault = 'malformed' | 'signature' | 'expired';

/** The claims of a token that this secret signed and that has not expired, or why not. `now` in milliseconds since 1970. */
export function verifyToken(secret: string, token: string, now = Date.now()): {claims: Claims} | {fault: TokenFault} {
	const parts = token.split('.');
	const [head = '', body = '', tail = ''] = parts;
	if (parts.length !== 3) return {fault: 'malformed'};
	const header = decode(head);
	const claims = decode(body);
	if (header === null || claims === null) return {fault: 'malformed'};
	const given = Buffer.from(tail, 'base64url');
	const expected = signature(secret, `${head}.${body}`);
	if (header['alg'] !== 'HS256' || given.length !== expected.length || !timingSafeEqual(given, expected)) {
		return {fault: 'signature'};
	}
	const {exp} = claims;
	if (exp !== undefined && (typeof exp !== 'number' || exp * 1000 <= now)) return {fault: 'expired'};
	return {claims};
}

function signature(secret: string, text: string): Buffer {
	return createHmac('sha256', secret).update(text).digest();
}

function encode(value: Claims): string {
	return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Claims | null {
	try {
		const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
	} catch {
		return null;
	}
}
