import type {Agent} from '../../mailbox/agent.ts';
import {imitatedTag, knownTags, resembled} from '../../mailbox/look-alike.ts';
import type {Message} from '../../mailbox/message.ts';
import {RecentMap} from '../../mailbox/recent.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {Cache} from './cache.ts';

/** A tag that this one can be mistaken for; null if this is the original, or like no other. */
export function lookAlikeOf(state: State, tag: Tag): Tag | null {
	const {tags, originals} = participants(state);
	let other = originals.get(tag);
	if (other === undefined) originals.set(tag, (other = resembled(tag, tags)));
	return other;
}

/** A mark next to a tag that can be mistaken for another: `HUMAN_ ≠ HUMAN`. */
export function lookAlikeMark(state: State, tag: Tag): Span[] {
	const other = lookAlikeOf(state, tag);
	return other === null ? [] : [{text: p` ≠ ${printable(other)}`, style: theme.warnStrong}];
}

/** The same for a message, and a mark if its text imitates another agent's message. */
export function imitationMarks(state: State, message: Message): readonly Span[] {
	const {tags, names} = participants(state);
	const known = marks.get(message, names);
	if (known !== undefined) return known;
	const claimed = imitatedTag(message.body, message.tag, tags);
	const spans = lookAlikeMark(state, message.tag);
	if (claimed !== null) spans.push({text: p`  imitates ${printable(claimed)}`, style: theme.warnStrong});
	return marks.set(message, names, spans);
}

/** Marks by message and participants: needed in every frame, but they rarely change. */
const marks = new Cache<readonly Span[]>(600);

/** More tags than a screen shows. */
const maxOriginals = 1000;

interface Participants {
	readonly me: Tag | null;
	/** The human's first. */
	readonly tags: readonly Tag[];
	/** The tags as one string, a cache key. A heartbeat replaces the map of agents, but not this. */
	readonly names: string;
	/** What `resembled` found for a tag; asked for in every frame. */
	readonly originals: RecentMap<Tag, Tag | null>;
}

function participants({agents, identity}: State): Participants {
	const me = identity?.tag ?? null;
	const known = lists.get(agents);
	if (known !== undefined && known.me === me) return known;
	const others = knownTags(agents.values());
	const tags = me === null || others.some(tag => sameTag(tag, me)) ? others : [me, ...others];
	const names = tags.join(' ');
	const originals =
		lastOriginals.names === names ? lastOriginals.originals : new RecentMap<Tag, Tag | null>(maxOriginals);
	lastOriginals = {names, originals};
	const list = {me, tags, names, originals};
	lists.set(agents, list);
	return list;
}

const lists = new WeakMap<ReadonlyMap<string, Agent>, Participants>();
/** Kept across heartbeats, which replace the map of agents. */
let lastOriginals: Pick<Participants, 'names' | 'originals'> = {names: '', originals: new RecentMap(maxOriginals)};
