import type {Json} from './json.ts';
import type {AuthorKind} from './message.ts';
import {sameTag, type Tag} from './tag.ts';

export const presences = ['working', 'idle', 'blocked', 'away'] as const;
export type Presence = (typeof presences)[number];

export const wakes = ['bell', 'socket'] as const;
/** The ways to wake an idle client: a file that it watches, or the socket that it listens on. */
export type Wake = (typeof wakes)[number];

/** Changes to an agent's row; absent fields are not changed. */
export interface AgentUpdate {
	readonly presence?: Presence;
	readonly role?: string;
	/** The client that sends this. The agent's presence is derived from all its clients, and `away` ends this one. */
	readonly session?: string;
	/** How that client can be woken. */
	readonly wake?: Wake | 'none';
	/** Seconds in which it is not woken, because its user interrupted it. */
	readonly quiet?: number;
}

/** A human's stop: nothing is handed over to the agent and nothing can be claimed by it until it is resumed. */
export type Pause = {
	/** When it began. */
	readonly at: string;
	/** Who did it: a tag, or in words who has none. */
	readonly by: string;
	readonly reason: string | null;
};

/** The same in short. */
export const pausedNote = 'A human has paused you: finish what you are doing, then end your turn.';

/** What an agent that is paused is told. */
export function pausedText({at, by, reason}: Pause): string {
	const time = at.replace('T', ' ').replace(/(?:\.\d+)?(?:\+00:00|Z)$/, ' UTC');
	const why = reason === null ? '' : ` (their reason: ${JSON.stringify(reason)})`;
	return (
		`You have been paused by ${by} since ${time}${why}: no mail is handed over and no task can be claimed until they resume you. ` +
		'Finish what you are doing, then end your turn.'
	);
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
	/** The number of clients that use this tag, as far as they report it. Several share its inbox. */
	readonly sessions: number;
	/** How it can be woken when it is idle; null if it reads only at its next turn. */
	readonly wake: Wake | null;
	/**
	 * The agents whose messages no longer wake it, separated by commas: they have woken each other too often without other work. Null
	 * if there are none.
	 */
	readonly damped: string | null;
	/** The groups that it belongs to: `@GROUP` addresses all agents of the group. */
	readonly groups: readonly string[];
	/** Null if it is not paused. */
	readonly paused: Pause | null;
	/** Whether it gets only urgent messages between its tools, and the others at the end of its turn. */
	readonly focused: boolean;
	readonly meta: {readonly [key: string]: Json};
}

/** Milliseconds without a sign of life after which an agent that did not sign off is gone. */
const goneAfter = 5 * 60_000;

/** What an agent is doing, at `now` (milliseconds since 1970). One that was killed cannot report that, but is `gone` after a while. */
export function presenceOf(
	{kind, presence, joined_at, last_seen_at}: Pick<Agent, 'kind' | 'presence' | 'joined_at' | 'last_seen_at'>,
	now: number,
): Presence | 'gone' {
	const gone = goneAt({kind, presence, joined_at, last_seen_at});
	return gone !== null && now >= gone ? 'gone' : presence;
}

/** When it will count as gone (milliseconds since 1970) without a sign of life; null if none is expected. */
export function goneAt({
	kind,
	presence,
	joined_at,
	last_seen_at,
}: Pick<Agent, 'kind' | 'presence' | 'joined_at' | 'last_seen_at'>): number | null {
	if (presence === 'away' || kind === 'human') return null;
	return Date.parse(last_seen_at ?? joined_at) + goneAfter + 1;
}

/** Whether several clients use the tag, so that each message reaches only one of them. */
export function isShared(agent: Agent, now: number): boolean {
	return agent.sessions > 1 && agent.revoked_at === null && presenceOf(agent, now) !== 'gone';
}

/** Whether a human let it run SQL as the owner of the database, so that it can write as anyone. */
export function hasOwnerSql({meta}: Pick<Agent, 'meta'>): boolean {
	return meta['owner_sql'] === true;
}

/** How often two agents wake each other without other work before their mail waits (agentmux.max_wakes in supabase/migrations). */
export const maxWakes = 8;

/** A notice for two clients that use the same tag. */
export function sharedText(tag: Tag): string {
	return (
		`Another client is currently using the tag ${tag} in the agentmux mailbox. Both share an inbox, so each message is handed ` +
		'over to only one of them, and both write under the same name. The human sees this, too. One of them can join under another tag.'
	);
}

/** Changes to the groups of an agent. */
export interface GroupChange {
	readonly add?: readonly string[];
	readonly remove?: readonly string[];
}

type Member = Pick<Agent, 'tag' | 'groups' | 'revoked_at'>;

/** The names of all groups, each once. */
export function groupsOf(agents: Iterable<Pick<Agent, 'groups'>>): string[] {
	const names: string[] = [];
	for (const {groups} of agents)
		for (const group of groups) if (!names.some(name => sameTag(name, group))) names.push(group);
	return names;
}

/**
 * The tags that these names address: those of the members of a group, except the author's, and any other name itself. The same rule as
 * agentmux.addressed in supabase/migrations.
 */
export function addressees(agents: readonly Member[], names: readonly string[], author: Tag): Tag[] {
	const tags: Tag[] = [];
	for (const name of names) {
		const isTag = agents.some(({tag}) => sameTag(tag, name));
		const members = agents.filter(
			({tag, groups, revoked_at}) =>
				!isTag && revoked_at === null && !sameTag(tag, author) && groups.some(group => sameTag(group, name)),
		);
		for (const tag of members.length === 0 ? [name] : members.map(member => member.tag))
			if (!tags.some(other => sameTag(other, tag))) tags.push(tag);
	}
	return tags;
}

/** Who a mailbox acts as, according to its token. */
export interface Identity {
	readonly tag: Tag;
	readonly kind: AuthorKind;
	/** False with a service key: then messages are shown as unverified. */
	readonly verified: boolean;
}
