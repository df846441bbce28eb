import type {FairDatabase} from '../database/fair-database.ts';
import type {Handler, HubRequest} from '../http/http.ts';
import {withAgentRoles} from '../management/agent-sql.ts';
import {createCancel} from '../management/cancel.ts';
import {createManagement} from '../management/management.ts';
import type {Realtime} from '../realtime/realtime.ts';
import {createRest} from '../rest/rest.ts';
import {renewalGrace} from '../tokens/claims.ts';
import type {EndedTokens} from '../tokens/ended.ts';
import {createTokens} from '../tokens/endpoint.ts';
import {createKeyRotation, type KeyRing} from '../tokens/key-ring.ts';

/** A handler for the paths below a prefix. */
export interface Route {
	/** `/rest/v1`: without a trailing slash. */
	readonly prefix: string;
	/** Milliseconds for which expired tokens are accepted; default 30 s, as in PostgREST. */
	readonly leeway?: number;
	/** Whether its responses may contain tokens. They are withheld if the keys were replaced after the request. */
	readonly givesTokens?: boolean;
	readonly handle: Handler;
}

interface RoutesOptions {
	readonly database: FairDatabase;
	readonly keys: KeyRing;
	readonly ended: EndedTokens;
	readonly realtime: Realtime;
	/** Makes copies of the data directory, for backups. */
	readonly copies: Handler;
	/** Called before the request that replaced the keys is answered. */
	readonly onRotated: (request: HubRequest) => Promise<void>;
}

/** The APIs of the hub. The first route whose prefix fits has the request. */
export function routesOf({database, keys, ended, realtime, copies, onRotated}: RoutesOptions): readonly Route[] {
	const forAgents = withAgentRoles(database);
	const answersRevoke = ({path}: HubRequest): boolean => path === '/rpc/agent_revoke';
	const endsToken = ({method}: HubRequest): boolean => method === 'DELETE';
	return [
		{prefix: '/rest/v1', handle: ended.heeded(createRest(forAgents).handle, answersRevoke)},
		{prefix: '/realtime/v1', handle: realtime.handle},
		{prefix: '/v1/projects', handle: createManagement(forAgents).handle},
		{
			prefix: '/agentmux/v1/tokens',
			handle: ended.heeded(createTokens(database, keys).handle, endsToken),
			leeway: renewalGrace,
			givesTokens: true,
		},
		{prefix: '/agentmux/v1/keys', handle: createKeyRotation(keys, onRotated).handle},
		{prefix: '/agentmux/v1/cancel', handle: createCancel(database).handle},
		{prefix: '/agentmux/v1', handle: copies},
	];
}
