import type {Message} from '../../mailbox/message.ts';
import type {Channel} from '../../mailbox/query.ts';
import {foldTag, type FoldedTag} from '../../mailbox/tag.ts';
import type {ListedChannel, State} from './state.ts';

/** The maximum number of channels for unknown tags, which never joined or wrote: a message can mention thousands of them. */
const maxAddressedOnly = 20;
/** The maximum number of unknown tags without a channel that are counted. */
const maxUnlisted = 10_000;

type Listed = Pick<State, 'channels' | 'unlisted'>;

/** Adds the channels that the mailbox lists. */
export function withChannels(state: State, incoming: readonly Channel[]): State {
	return listed(state, incoming);
}

/** Adds the channels that messages belong to: those of their tags and of the tags that they address. */
export function withChannelsOf(state: State, messages: readonly Message[]): State {
	return listed(
		state,
		messages.flatMap(({id, tag, mentions}): ListedChannel[] => [
			{tag, last_id: id},
			...mentions.map(name => ({tag: name, last_id: id, addressedOnly: true})),
		]),
	);
}

function listed(state: State, incoming: readonly ListedChannel[]): State {
	let next: Map<FoldedTag, ListedChannel> | undefined;
	for (const {tag, last_id, addressedOnly = false} of incoming) {
		const key = foldTag(tag);
		const known = (next ?? state.channels).get(key);
		const isUnknown = addressedOnly && (known === undefined || known.addressedOnly === true) && !state.agents.has(key);
		const isChanged = known === undefined || known.last_id < last_id || (known.addressedOnly === true && !isUnknown);
		if (!isChanged) continue;
		next ??= new Map(state.channels);
		next.set(key, {
			tag: known?.tag ?? tag,
			last_id: Math.max(last_id, known?.last_id ?? 0),
			...(isUnknown ? {addressedOnly: true} : {}),
		});
	}
	return next === undefined ? state : {...state, ...bounded(next, state)};
}

/** Of the unknown tags, those that were addressed most recently keep their channels; the others are only counted. */
function bounded(channels: Map<FoldedTag, ListedChannel>, {agents, unlisted}: State): Listed {
	const over = [...channels]
		.filter(([key, {addressedOnly}]) => addressedOnly === true && !agents.has(key))
		.sort(([, one], [, other]) => other.last_id - one.last_id)
		.slice(maxAddressedOnly);
	const counted = new Set(unlisted);
	for (const [key] of over) {
		channels.delete(key);
		if (counted.size < maxUnlisted) counted.add(key);
	}
	for (const key of channels.keys()) counted.delete(key);
	return {channels, unlisted: over.length === 0 && counted.size === unlisted.size ? unlisted : counted};
}
