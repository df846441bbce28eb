import {holderOf} from '../http/holder.ts';
import type {Caller} from '../http/http.ts';
import type {SubscriberRole} from './changed-rows.ts';

/**
 * Verifies a token: its holder, or what is wrong with it. `fault` is `malformed`, `unsecured`, `signature`, `expired` or `unstorable`, or
 * an object with a `message` for a token that was ended; anything else means that it lacks a role or an expiry.
 */
export type Verify = (token: string) => Caller | {readonly fault: unknown};

/** A verified token. */
export interface TokenClaims {
	readonly token: string;
	/** The name under which its channels are counted. */
	readonly name: string;
	readonly subscriber: SubscriberRole;
	/** Milliseconds since 1970; null: never. */
	readonly expires: number | null;
}

export interface Refusal {
	/** The error for a join. */
	readonly join: string;
	/** The error for a channel that has joined. */
	readonly refresh: string;
}

/** Reads a token. A refusal has Supabase Realtime's error messages. */
export function readToken(verify: Verify, token: string): TokenClaims | Refusal {
	const verified = verify(token);
	if ('fault' in verified) return refusal(verified.fault, token);
	const {role, claims} = verified;
	const {exp} = claims;
	const text = JSON.stringify(claims);
	return {
		token,
		name: holderOf(verified),
		subscriber: {role, claims: text, key: `${role} ${text}`},
		expires: typeof exp === 'number' ? exp * 1000 : null,
	};
}

export function expired(expires: number): string {
	return `Token has expired ${Math.max(0, Math.floor((Date.now() - expires) / 1000))} seconds ago`;
}

function refusal(fault: unknown, token: string): Refusal {
	switch (fault) {
		case 'expired': {
			const refresh = expired(expiry(token));
			return {join: `InvalidJWTToken: ${refresh}`, refresh};
		}
		case 'malformed': {
			const refresh = 'The token provided is not a valid JWT';
			return {join: `MalformedJWT: ${refresh}`, refresh};
		}
		case 'unsecured':
		case 'signature':
			return {join: 'JwtSignatureError: Failed to validate JWT signature', refresh: ':signature_error'};
		case 'unstorable': {
			const refresh = 'The claims contain NUL, half a surrogate pair, or too many levels';
			return {join: `InvalidJWTToken: ${refresh}`, refresh};
		}
		default: {
			if (typeof fault === 'object' && fault !== null && 'message' in fault) {
				const refresh = String(fault.message);
				return {join: `Unauthorized: ${refresh}`, refresh};
			}
			const refresh = 'Fields `role` and `exp` are required in JWT';
			return {join: `InvalidJWTToken: ${refresh}`, refresh};
		}
	}
}

/** When an expired token expired: milliseconds since 1970. Its signature has been verified. */
function expiry(token: string): number {
	const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
	const {exp} = claims as {exp?: unknown};
	return typeof exp === 'number' ? exp * 1000 : Date.now();
}
