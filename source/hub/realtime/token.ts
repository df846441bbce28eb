import {holderOf} from '../http/holder.ts';
import type {Caller} from '../http/http.ts';
import type {SubscriberRole} from './change-rows.ts';

/**
 * Who holds a token, or why it is none: `malformed`, `unsecured`, `signature`, `expired`, `unstorable`, a sentence (`message`) about one that was
 * ended; anything else lacks a role or an expiry.
 */
export type Verify = (token: string) => Caller | {readonly fault: unknown};

/** A verified token. */
export interface TokenClaims {
	readonly token: string;
	/** Under whose name its channels are counted. */
	readonly name: string;
	readonly subscriber: SubscriberRole;
	/** Milliseconds since 1970; null: never. */
	readonly expires: number | null;
}

export interface Refusal {
	/** What a join is told. */
	readonly join: string;
	/** What a joined channel is told. */
	readonly refresh: string;
}

/** The token's holder, or its refusal in the real server's words. */
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

/** Of a token whose signature was good. */
function expiry(token: string): number {
	const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
	const {exp} = claims as {exp?: unknown};
	return typeof exp === 'number' ? exp * 1000 : Date.now();
}
