import type {Identity} from '../mailbox/agent.ts';
import {isTag, UNTAGGED} from '../mailbox/tag.ts';
import type {Target} from './link/link.ts';

/** The identity that the database will derive (agentmux.identity in supabase/migrations). Only the server verifies it. */
export function identityOf({key, token}: Target, actingTag: string | undefined): Identity {
	const {role, app_metadata} = claimsOf(token ?? key);
	if (role === 'authenticated') {
		const {agent_tag, kind} = (app_metadata ?? {}) as {readonly agent_tag?: unknown; readonly kind?: unknown};
		const tag = typeof agent_tag === 'string' && isTag(agent_tag) ? agent_tag : UNTAGGED;
		return {tag, kind: kind === 'human' ? 'human' : 'agent', verified: tag !== UNTAGGED};
	}
	return {tag: actingTag ?? UNTAGGED, kind: 'agent', verified: false};
}

function claimsOf(token: string): {readonly role?: unknown; readonly app_metadata?: unknown} {
	try {
		const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
		return typeof claims === 'object' && claims !== null ? claims : {};
	} catch {
		// `sb_secret_...` and the like are not JWTs, and contain no claims.
		return {};
	}
}
