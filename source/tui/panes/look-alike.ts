import type {Agent} from '../../mailbox/agent.ts';
import {imitatedTag, knownTags, resembled} from '../../mailbox/look-alike.ts';
import type {Message} from '../../mailbox/message.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {Cache} from './cache.ts';

/** Another tag that this one can be taken for; null where it is the original, or like nobody's. */
export function lookAlike(state: State, tag: Tag): Tag | null {
	return resembled(tag, participants(state).tags);
}

/** A mark beside a tag that can be taken for another: `HUMAN_ ≠ HUMAN`. */
export function lookAlikeMark(state: State, tag: Tag): Span[] {
	const other = lookAlike(state, tag);
	return other === null ? [] : [{text: p` ≠ ${printable(other)}`, style: theme.warnStrong}];
}

/** The same of a message, and whether its text imitates another's message. */
export function imitationMarks(state: State, message: Message): readonly Span[] {
	const {tags, names} = participants(state);
	const known = marks.get(message, names);
	if (known !== undefined) return known;
	const claimed = imitatedTag(message.body, message.tag, tags);
	const spans = lookAlikeMark(state, message.tag);
	if (claimed !== null) spans.push({text: p`  imitates ${printable(claimed)}`, style: theme.warnStrong});
	return marks.set(message, names, spans);
}

/** What was found of a message among those who take part: asked for in every frame, it changes seldom. */
const marks = new Cache<readonly Span[]>(600);

interface Participants {
	readonly me: Tag | null;
	/** The human's first. */
	readonly tags: readonly Tag[];
	/** The same string as long as nobody joins or leaves: a sign of life makes another map, and no other tags. */
	readonly names: string;
}

function participants({agents, identity}: State): Participants {
	const me = identity?.tag ?? null;
	const known = lists.get(agents);
	if (known !== undefined && known.me === me) return known;
	const others = knownTags(agents.values());
	const tags = me === null || others.some(tag => sameTag(tag, me)) ? others : [me, ...others];
	const list = {me, tags, names: tags.join(' ')};
	lists.set(agents, list);
	return list;
}

const lists = new WeakMap<ReadonlyMap<string, Agent>, Participants>();
