import {randomBytes} from 'node:crypto';
import {signToken, type Claims} from './token.ts';

const hour = 3600;
const day = 24 * hour;

/** Lifetime in seconds. An agent's token is kept in a file for its hooks; a human's is made by the process that uses it. */
const life = {agent: 30 * day, human: hour};

/** Milliseconds after its expiry within which an agent's token can still be exchanged for a new one. */
export const renewalGrace = 365 * day * 1000;

interface TokenSubject {
	readonly tag: string;
	readonly kind: 'agent' | 'human';
	/** Only in agents' tokens. */
	readonly gen?: number;
	/** The chain of renewals, named by the `jti` of its first token, which has no `sid` itself. */
	readonly sid?: string | null;
}

/** Characters. A key in a PostgreSQL index cannot be much longer than 2,000 bytes. */
const maxIdLength = 255;

/** A token that expires. It has neither `iat` nor `nbf`: after the clock is set back, it would not be valid yet. */
export function issueToken(secret: string, {tag, kind, gen, sid}: TokenSubject): string {
	return signToken(secret, {
		iss: 'agentmux',
		role: 'authenticated',
		app_metadata: {agent_tag: tag, kind},
		exp: Math.floor(Date.now() / 1000) + life[kind],
		jti: randomBytes(16).toString('base64url'),
		...(gen === undefined ? {} : {gen}),
		...(sid === undefined || sid === null ? {} : {sid}),
	});
}

/** Whether a token should be exchanged for a new one: less than half of its lifetime is left, or it never expires. */
export function isOld({exp, app_metadata}: Claims): boolean {
	if (typeof exp !== 'number') return true;
	const {kind} = (app_metadata ?? {}) as {readonly kind?: unknown};
	return exp - Date.now() / 1000 < life[kind === 'human' ? 'human' : 'agent'] / 2;
}

/** The claims that identify the agent and how its token can be ended; null for any other token. */
export function agentIn({iss, role, app_metadata, jti, sid, gen}: Claims): AgentClaims | null {
	const {agent_tag: tag, kind} = (app_metadata ?? {}) as {readonly agent_tag?: unknown; readonly kind?: unknown};
	if (iss !== 'agentmux' || role !== 'authenticated' || typeof tag !== 'string' || kind === 'human') return null;
	const own = idIn(jti);
	return {tag, jti: own, sid: idIn(sid) ?? own, gen: typeof gen === 'number' ? gen : 0};
}

export interface AgentClaims {
	readonly tag: string;
	readonly jti: string | null;
	/** The chain of renewals that it belongs to, which is ended as a whole. */
	readonly sid: string | null;
	readonly gen: number;
}

function idIn(claim: unknown): string | null {
	return typeof claim === 'string' && claim.length <= maxIdLength ? claim : null;
}
