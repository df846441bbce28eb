import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';

/** Up to this many agents keep the same numbers at every start. With more, nobody remembers the numbers anyway. */
const fewAgents = 9;

/**
 * The channels in the order in which they get panes at the start. Agents come first: a few by when they joined, many by
 * their latest message. Other tags follow, latest message first, then the human's own channel.
 */
export function channelOrder(state: State): Tag[] {
	const me = state.identity?.tag ?? '';
	const agents = [...state.agents.values()].filter(
		({kind, revoked_at, tag}) => kind === 'agent' && revoked_at === null && !sameTag(tag, me),
	);
	const lastId = (tag: Tag): number => state.channels.get(foldTag(tag))?.last_id ?? 0;
	if (agents.length > fewAgents) agents.sort((one, other) => lastId(other.tag) - lastId(one.tag));
	else agents.sort((one, other) => Date.parse(one.joined_at) - Date.parse(other.joined_at));
	const joined = new Set(agents.map(({tag}) => foldTag(tag)));
	const others = [...state.channels.values()]
		.filter(({tag}) => !joined.has(foldTag(tag)) && !sameTag(tag, me))
		.sort((one, other) => other.last_id - one.last_id);
	const own = [...state.channels.values()].filter(({tag}) => sameTag(tag, me));
	return [...agents, ...others, ...own].map(({tag}) => tag);
}
