import type {Agent} from '../../mailbox/agent.ts';
import {imitatedTag, knownTags, resembled} from '../../mailbox/look-alike.ts';
import type {Message} from '../../mailbox/message.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';

/** Another tag that this one can be taken for; null where it is the original, or like nobody's. */
export function lookAlike(state: State, tag: Tag): Tag | null {
	return resembled(tag, tagsIn(state));
}

/** A mark beside a tag that can be taken for another: `HUMAN_ ≠ HUMAN`. */
export function lookAlikeMark(state: State, tag: Tag): Span[] {
	const other = lookAlike(state, tag);
	return other === null ? [] : [{text: p` ≠ ${printable(other)}`, style: theme.warnStrong}];
}

/** The same of a message, and whether its text imitates another's message. */
export function imitationMarks(state: State, message: Message): readonly Span[] {
	const tags = tagsIn(state);
	const known = marks.get(message);
	if (known?.tags === tags) return known.spans;
	const claimed = imitatedTag(message.body, message.tag, tags);
	const spans = lookAlikeMark(state, message.tag);
	if (claimed !== null) spans.push({text: p`  imitates ${printable(claimed)}`, style: theme.warnStrong});
	marks.set(message, {tags, spans});
	return spans;
}

/** What was found of a message last, and among which tags: asked for in every frame, it changes seldom. */
const marks = new WeakMap<Message, {readonly tags: readonly Tag[]; readonly spans: readonly Span[]}>();

/** The tags that take part, the human's first. The same list as long as nobody joins or leaves. */
function tagsIn({agents, identity}: State): readonly Tag[] {
	const me = identity?.tag ?? null;
	const known = lists.get(agents);
	if (known !== undefined && known.me === me) return known.tags;
	const tags = knownTags(agents.values());
	const all = me === null || tags.some(tag => sameTag(tag, me)) ? tags : [me, ...tags];
	// A sign of life makes another map, and no other tags.
	const same =
		lastTags !== null && lastTags.length === all.length && all.every((tag, index) => tag === lastTags?.[index]);
	const kept = same && lastTags !== null ? lastTags : all;
	lastTags = kept;
	lists.set(agents, {me, tags: kept});
	return kept;
}

const lists = new WeakMap<ReadonlyMap<string, Agent>, {readonly me: Tag | null; readonly tags: readonly Tag[]}>();
let lastTags: readonly Tag[] | null = null;
