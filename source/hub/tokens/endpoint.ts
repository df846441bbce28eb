import {owner} from '../schema/bootstrap.ts';
import type {Database} from '../database/database.ts';
import {json, refusal, type Handler, type HubRequest, type HubResponse} from '../http/http.ts';
import type {KeyRing} from './key-ring.ts';
import {verifyToken, type Claims} from './token.ts';
import {agentIn, isOld, issueToken, type AgentClaims} from './claims.ts';
import {ended, endedResponse, revoked} from './ended.ts';
import {readSql} from '../files/read-sql.ts';

const tagPattern = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;

/**
 * Makes, renews and ends the tokens of agents, under `/agentmux/v1/tokens`.
 *
 * - `POST` as service_role with `{tag}`: a token for that agent; with `{tag, token}`: the same token if it is valid and not old.
 * - `POST` with an agent's token, which may have expired: a new token, unless that one was ended. As service_role with `{token}`: the
 *   same, however long ago it expired.
 * - `DELETE` as service_role with `{tag}`: ends all tokens of the agent. With an agent's token: ends its chain of renewals.
 */
export function createTokens(database: Database, keys: KeyRing): {handle: Handler} {
	const check = async (claims: Claims): Promise<Renewable | HubResponse> => {
		const agent = agentIn(claims);
		if (agent === null) return refusal(403, 'Only tokens of agents of this hub can be renewed.');
		const {tag, gen, sid} = agent;
		const now = await standing(database, agent);
		if (now.isRevoked) return endedResponse(revoked(tag));
		return gen < now.gen || now.hasEnded ? endedResponse(ended(tag)) : {tag, gen: now.gen, sid};
	};
	const renew = async (claims: Claims): Promise<HubResponse> => {
		const checked = await check(claims);
		if ('status' in checked) return checked;
		return json(201, {token: issueToken(keys.jwt_secret, {...checked, kind: 'agent'})});
	};
	const issue = async (tag: string, known: Claims | null, token: string): Promise<HubResponse> => {
		if (!tagPattern.test(tag)) return refusal(400, 'tag: must be a tag');
		const isOwn = known !== null && agentIn(known)?.tag === tag && !isOld(known);
		if (isOwn && !('status' in (await check(known)))) return json(200, {token});
		const {gen} = await standing(database, {tag, jti: null, sid: null});
		return json(201, {token: issueToken(keys.jwt_secret, {tag, gen, kind: 'agent'})});
	};

	async function post({caller, body}: HubRequest): Promise<HubResponse> {
		if (caller.role !== 'service_role') return renew(caller.claims);
		const {tag, token} = parse(body);
		const known = typeof token === 'string' ? claimsOf(keys.jwt_secret, token) : null;
		if (typeof tag === 'string') return issue(tag, known, String(token));
		return known === null ? refusal(400, 'token: must be a token of this hub') : renew(known);
	}

	async function end({caller, body}: HubRequest): Promise<HubResponse> {
		const own = agentIn(caller.claims);
		const {tag} = parse(body);
		const isService = caller.role === 'service_role';
		if (isService && typeof tag === 'string' && tagPattern.test(tag)) {
			await database.run(owner, [{text: 'select agentmux.end_tokens($1)', values: [tag]}]);
			return {status: 204};
		}
		if (own === null) return refusal(400, 'tag: must be a tag');
		if (own.sid === null) return refusal(400, 'This token has no id, so it cannot be ended by itself.');
		await database.run(owner, [{text: 'select agentmux.end_token($1)', values: [own.sid]}]);
		return {status: 204};
	}

	return {
		async handle(request) {
			if (request.path !== '/') return refusal(404, 'There is no such path here.');
			if (request.caller.role === 'anon') return refusal(401, 'Unauthorized: this needs a token.');
			if (request.method === 'POST') return post(request);
			if (request.method === 'DELETE') return end(request);
			return refusal(405, `Method ${request.method} is not allowed here.`);
		},
	};
}

/** The claims of a renewed token. */
interface Renewable {
	readonly tag: string;
	readonly gen: number;
	readonly sid: string | null;
}

interface Standing {
	readonly gen: number;
	readonly hasEnded: boolean;
	readonly isRevoked: boolean;
}

const standingQuery = readSql(new URL('standing.sql', import.meta.url));

/** Read from the database, because this hub's copy may be a moment old. */
async function standing(
	database: Database,
	{tag, jti, sid}: Pick<AgentClaims, 'tag' | 'jti' | 'sid'>,
): Promise<Standing> {
	const [result] = await database.run(owner, [{text: standingQuery, values: [tag, jti, sid]}]);
	const {gen, ended, revoked} = result?.rows[0] ?? {};
	return {gen: Number(gen), hasEnded: ended === true, isRevoked: revoked === true};
}

/** The claims of a token that this hub has signed, even if it has expired; null for any other. */
function claimsOf(secret: string, token: string): Claims | null {
	const verified = verifyToken(secret, token, {leeway: Infinity});
	return 'claims' in verified ? verified.claims : null;
}

function parse(body: Buffer): {readonly tag?: unknown; readonly token?: unknown} {
	try {
		const value: unknown = JSON.parse(body.toString('utf8'));
		return typeof value === 'object' && value !== null ? value : {};
	} catch {
		return {};
	}
}
