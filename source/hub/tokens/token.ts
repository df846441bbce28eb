import {createHmac, timingSafeEqual} from 'node:crypto';

export type Claims = {readonly [claim: string]: unknown};

/** A JWT signed with HS256 (RFC 7519, RFC 7515), as Supabase signs its anon and service_role keys. */
export function signToken(secret: string, claims: Claims): string {
	const unsigned = `${encode({alg: 'HS256', typ: 'JWT'})}.${encode(claims)}`;
	return `${unsigned}.${signature(secret, unsigned).toString('base64url')}`;
}

/**
 * Why a token is not accepted: it does not have three readable parts, it has no signature or a wrong one, its claims are invalid or not
 * valid now, or PostgreSQL could not store them (`unstorable`): NUL, half a surrogate pair, or more than `maxDepth` levels.
 */
export type TokenFault =
	| 'malformed'
	| 'unsecured'
	| 'signature'
	| 'expired'
	| 'early'
	| 'issued later'
	| 'unstorable'
	| `${'exp' | 'nbf' | 'iat' | 'aud'} claim`;

/**
 * The claims of a token that was signed with the secret and is valid now, or what is wrong with it. `now`: milliseconds since 1970.
 * `leeway`: milliseconds by which clocks may differ.
 */
export function verifyToken(
	secret: string,
	token: string,
	{now = Date.now(), leeway = 0}: {readonly now?: number; readonly leeway?: number} = {},
): {claims: Claims} | {fault: TokenFault} {
	const parts = token.split('.');
	const [head = '', body = '', tail = ''] = parts;
	if (parts.length !== 3) return {fault: 'malformed'};
	const header = decode(head);
	const claims = decode(body);
	if (header === null || claims === null) return {fault: 'malformed'};
	if (header['alg'] === 'none') return {fault: 'unsecured'};
	const given = Buffer.from(tail, 'base64url');
	const expected = signature(secret, `${head}.${body}`);
	if (header['alg'] !== 'HS256' || given.length !== expected.length || !timingSafeEqual(given, expected)) {
		return {fault: 'signature'};
	}
	const fault = claimFault(claims, now, leeway) ?? (isStorable(claims, maxDepth) ? null : 'unstorable');
	return fault === null ? {claims} : {fault};
}

/** In the order in which PostgREST checks them. */
function claimFault({exp, nbf, iat, aud}: Claims, now: number, leeway: number): TokenFault | null {
	if (!isTime(exp)) return 'exp claim';
	if (exp !== undefined && exp !== null && exp * 1000 <= now - leeway) return 'expired';
	if (!isTime(nbf)) return 'nbf claim';
	if (nbf !== undefined && nbf !== null && nbf * 1000 > now + leeway) return 'early';
	if (!isTime(iat)) return 'iat claim';
	if (iat !== undefined && iat !== null && iat * 1000 > now + Math.max(leeway, 1000)) return 'issued later';
	const listed: readonly unknown[] = Array.isArray(aud) ? aud : [aud ?? ''];
	return listed.every(each => typeof each === 'string') ? null : 'aud claim';
}

/** Levels of objects and lists in claims, which are passed to the database as JSON with each request. */
const maxDepth = 32;

function isStorable(value: unknown, levels: number): boolean {
	if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
	if (typeof value !== 'object' || value === null) return true;
	return (
		levels > 0 && Object.entries(value).every(([name, each]) => isStorable(name, 0) && isStorable(each, levels - 1))
	);
}

function isTime(claim: unknown): claim is number | null | undefined {
	return claim === undefined || claim === null || typeof claim === 'number';
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
