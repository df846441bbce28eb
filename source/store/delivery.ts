import type {Message} from '../mailbox/message.ts';
import {nearest} from '../mailbox/text/nearest.ts';
import {failedTakes, isReturned, isStuck, type Receipt} from '../mailbox/receipt.ts';
import {foldTag, HUMAN, sameTag, type Tag} from '../mailbox/tag.ts';
import {channelMessages} from './select.ts';
import type {State} from './state/state.ts';

/**
 * The state of a message for one reader. `nobody`: the tag never joined, so that the message waits for a reader who may not
 * exist. `stored`: it waits. `taken`: a client has it, but has not handed it over yet. `undelivered`: clients took it, but none of
 * them handed it over; it is offered again. `returned`: it was handed over to a session that did not read it, and waits for the
 * next one. `stuck`: it was handed over the maximum number of times, and never read.
 */
type Rung = 'nobody' | 'stored' | 'taken' | 'undelivered' | 'returned' | 'delivered' | 'read' | 'acked' | 'stuck';

export interface Delivery {
	readonly reader: Tag;
	readonly rung: Rung;
	readonly receipt: Receipt | null;
}

/** One for each tag that the message mentions, then for other readers who got it, but none for its own tag. `now`: ms since 1970. */
export function deliveriesOf(state: State, message: Message, now: number): Delivery[] {
	const receipts = state.receipts.get(message.id) ?? [];
	const readers = [...message.mentions];
	for (const {reader} of receipts) if (!readers.some(tag => sameTag(tag, reader))) readers.push(reader);
	return readers
		.filter(reader => !sameTag(reader, message.tag))
		.map(reader => {
			const receipt = receipts.find(each => sameTag(each.reader, reader)) ?? null;
			return {reader, receipt, rung: receipt === null ? rungWithout(state, reader) : rungOf(receipt, now)};
		});
}

function rungWithout(state: State, reader: Tag): Rung {
	return isKnownTag(state, reader) ? 'stored' : 'nobody';
}

function rungOf(receipt: Receipt, now: number): Rung {
	if (receipt.state === 'acked' || receipt.state === 'read') return receipt.state;
	if (isStuck(receipt, now)) return 'stuck';
	if (isReturned(receipt)) return 'returned';
	if (receipt.delivered_at !== null) return 'delivered';
	if (failedTakes(receipt, now) > 0) return 'undelivered';
	return receipt.lease_until !== null && Date.parse(receipt.lease_until) > now ? 'taken' : 'stored';
}

/** How many messages of a channel are searched for one that its tag wrote. */
const searched = 200;

/** Whether the tag is known: it joined, it is the human's, or it wrote something; true while that has not been loaded yet. */
export function isKnownTag(state: State, tag: Tag): boolean {
	if (!state.loaded || sameTag(tag, HUMAN) || sameTag(tag, state.identity?.tag ?? HUMAN)) return true;
	if (state.agents.has(foldTag(tag))) return true;
	const messages = channelMessages(state, tag);
	// Its messages may be older than the window.
	if (messages.length === 0 && state.from > 0) return state.channels.has(foldTag(tag));
	return messages.slice(-searched).some(message => sameTag(message.tag, tag));
}

/** The known tag that was probably meant by an unknown one; null if none is similar. */
export function meantTag(state: State, tag: Tag): Tag | null {
	return nearest(tag, [...[...state.agents.values()].map(agent => agent.tag), HUMAN]);
}
