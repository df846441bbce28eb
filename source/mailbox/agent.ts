import type {Json} from './json.ts';
import type {AuthorKind} from './message.ts';
import type {Tag} from './tag.ts';

export const presences = ['working', 'idle', 'blocked', 'away'] as const;
export type Presence = (typeof presences)[number];

/** One row of `agents`: a tag that has joined. */
export interface Agent {
	readonly tag: Tag;
	readonly kind: AuthorKind;
	readonly role: string | null;
	readonly presence: Presence;
	readonly joined_at: string;
	readonly last_seen_at: string | null;
	readonly revoked_at: string | null;
	readonly meta: {readonly [key: string]: Json};
}

/** Who a mailbox writes as, from its token. */
export interface Identity {
	readonly tag: Tag;
	readonly kind: AuthorKind;
	/** False with a service key: what is written shows as unverified. */
	readonly verified: boolean;
}
