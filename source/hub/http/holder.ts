import type {Caller} from './http.ts';

/** The name under which a caller's connections and subscriptions are counted; it stays the same when the token is renewed. */
export function holderOf({role, claims}: Caller): string {
	const {agent_tag: tag} = (claims['app_metadata'] ?? {}) as {readonly agent_tag?: unknown};
	return typeof tag === 'string' ? `${role} ${tag}` : role;
}
