import type {Caller} from '../http.ts';

/** Under whose name a caller's connections and subscriptions are counted: a token that is renewed stays its holder's. */
export function holderOf({role, claims}: Caller): string {
	const {agent_tag: tag} = (claims['app_metadata'] ?? {}) as {readonly agent_tag?: unknown};
	return typeof tag === 'string' ? `${role} ${tag}` : role;
}
