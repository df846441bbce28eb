import {foldTag, HUMAN, isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import {fuzzy} from '../settings/fuzzy.ts';

/**
 * Every tag that one may write as or to: the human's first, then agents, then other tags; within each group, the latest
 * message first.
 */
export function knownTags(state: State): Tag[] {
	const tags = new Map<string, Tag>();
	const add = (tag: Tag) => tags.set(foldTag(tag), tags.get(foldTag(tag)) ?? tag);
	const lastOf = (tag: Tag): number => state.channels.get(foldTag(tag))?.last_id ?? 0;
	const byRecency = (one: {tag: Tag}, other: {tag: Tag}): number => lastOf(other.tag) - lastOf(one.tag);
	add(state.identity?.tag ?? HUMAN);
	add(HUMAN);
	for (const {tag} of [...state.agents.values()].sort(byRecency)) add(tag);
	for (const {tag} of [...state.channels.values()].sort(byRecency)) {
		if (!sameTag(tag, 'UNTAGGED') && !sameTag(tag, 'SYSTEM')) add(tag);
	}
	return [...tags.values()];
}

/** The tags that the tag picker offers for the text typed into it; the last one may be new. */
export function matchingTags(state: State, typed: string): Tag[] {
	const names = fuzzy(typed, knownTags(state), tag => tag);
	return isTag(typed) && !names.some(name => sameTag(name, typed)) ? [...names, typed] : names;
}
