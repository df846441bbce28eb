import {randomBytes} from 'node:crypto';
import {signToken, type Claims} from '../token.ts';

const hour = 3600;
const day = 24 * hour;

/** Seconds that a token holds: an agent's lies in a file for its hooks, a human's is made by the process that uses it. */
const life = {agent: 30 * day, human: hour};

/** Milliseconds for which an agent's token that has expired can still be exchanged for a new one. */
export const renewalGrace = 365 * day * 1000;

interface Holder {
	readonly tag: string;
	readonly kind: 'agent' | 'human';
	/** Of an agent's tokens; a human's have none. */
	readonly gen?: number;
	/** The chain that a renewed token belongs to; absent for the first of a chain, whose own `jti` is its name. */
	readonly sid?: string | null;
}

/** Characters; an index of PostgreSQL holds no key much longer than 2,000. */
const maxIdLength = 255;

/**
 * A token that ends. It says neither when it was made nor from when on it holds: where the clock is put back, it would not hold
 * yet.
 */
export function issueToken(secret: string, {tag, kind, gen, sid}: Holder): string {
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

/** Whether a token is to be exchanged for a new one: less than half of its life is left, or it is of the kind that had no end. */
export function isOld({exp, app_metadata}: Claims): boolean {
	if (typeof exp !== 'number') return true;
	const {kind} = (app_metadata ?? {}) as {readonly kind?: unknown};
	return exp - Date.now() / 1000 < life[kind === 'human' ? 'human' : 'agent'] / 2;
}

/** Whose token of an agent this is, and by what it can be ended; null for any other. */
export function agentIn({iss, role, app_metadata, jti, sid, gen}: Claims): AgentClaims | null {
	const {agent_tag: tag, kind} = (app_metadata ?? {}) as {readonly agent_tag?: unknown; readonly kind?: unknown};
	if (iss !== 'agentmux' || role !== 'authenticated' || typeof tag !== 'string' || kind === 'human') return null;
	const own = idIn(jti);
	return {tag, jti: own, sid: idIn(sid) ?? own, gen: typeof gen === 'number' ? gen : 0};
}

export interface AgentClaims {
	readonly tag: string;
	readonly jti: string | null;
	/** The chain of renewals that it belongs to, which ends as a whole: the `jti` of the first token. */
	readonly sid: string | null;
	readonly gen: number;
}

function idIn(claim: unknown): string | null {
	return typeof claim === 'string' && claim.length <= maxIdLength ? claim : null;
}
