import type {Json} from './json.ts';
import type {AuthorKind} from './message.ts';
import type {Tag} from './tag.ts';

export const presences = ['working', 'idle', 'blocked', 'away'] as const;
export type Presence = (typeof presences)[number];

export const wakes = ['bell', 'socket'] as const;
/** The ways to an idle client: a file that it watches, or the socket that it listens on. */
export type Wake = (typeof wakes)[number];

/** A change to an identity; absent fields stay as they are. */
export interface Sign {
	readonly presence?: Presence;
	readonly role?: string;
	/** The client that speaks. The agent's presence follows from all of its clients, and `away` ends this one. */
	readonly session?: string;
	/** How that client can be woken. */
	readonly wake?: Wake | 'none';
}

/** One row of `agents`: a tag that has joined. */
export interface Agent {
	readonly tag: Tag;
	readonly kind: AuthorKind;
	readonly role: string | null;
	readonly presence: Presence;
	readonly joined_at: string;
	readonly last_seen_at: string | null;
	readonly revoked_at: string | null;
	/** Clients that live under this tag, as far as they told; more than one share its inbox. */
	readonly sessions: number;
	/** How it can be woken when it is idle; null: it reads at its next turn. */
	readonly wake: Wake | null;
	readonly meta: {readonly [key: string]: Json};
}

/** Milliseconds without a sign of life after which an agent that did not say good-bye is gone. */
const silence = 5 * 60_000;

/** What an agent is doing as far as can be known at `now` (milliseconds since 1970): one that was killed says nothing. */
export function presenceOf(
	{kind, presence, joined_at, last_seen_at}: Pick<Agent, 'kind' | 'presence' | 'joined_at' | 'last_seen_at'>,
	now: number,
): Presence | 'gone' {
	const gone = goneAt({kind, presence, joined_at, last_seen_at});
	return gone !== null && now >= gone ? 'gone' : presence;
}

/** From when on (milliseconds since 1970) it is gone unless it gives a sign of life; null if nobody expects one. */
export function goneAt({
	kind,
	presence,
	joined_at,
	last_seen_at,
}: Pick<Agent, 'kind' | 'presence' | 'joined_at' | 'last_seen_at'>): number | null {
	if (presence === 'away' || kind === 'human') return null;
	return Date.parse(last_seen_at ?? joined_at) + silence + 1;
}

/** Whether more than one client works under the tag: each message reaches but one of them. */
export function isShared(agent: Agent, now: number): boolean {
	return agent.sessions > 1 && agent.revoked_at === null && presenceOf(agent, now) !== 'gone';
}

/** Whether a human gave it the SQL of the database's owner: it can write as anybody. */
export function hasOwnerSql({meta}: Pick<Agent, 'meta'>): boolean {
	return meta['owner_sql'] === true;
}

/** What two clients under one tag should know. */
export function sharedText(tag: Tag): string {
	return (
		`Another client works as ${tag} in the agentmux mailbox right now. Both share one inbox: each message is handed over ` +
		'to one of them, and both write under one name. The human sees that too; one of them can join under a tag of its own.'
	);
}

/** Who a mailbox writes as, from its token. */
export interface Identity {
	readonly tag: Tag;
	readonly kind: AuthorKind;
	/** False with a service key: what is written shows as unverified. */
	readonly verified: boolean;
}
