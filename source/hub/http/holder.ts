import type {Caller} from './http.ts';

/** The name under which a caller's connections and subscriptions are counted; a renewed token has the same one. */
export function holderOf({role, claims}: Caller): string {
	const {agent_tag: tag} = (claims['app_metadata'] ?? {}) as {readonly agent_tag?: unknown};
	return typeof tag === 'string' ? `${role} ${tag}` : role;
}
