import type {Message} from '../mailbox/message.ts';
import {nearest} from '../mailbox/nearest.ts';
import {failedTakes, isReturned, isStuck, type Receipt} from '../mailbox/receipt.ts';
import {foldTag, HUMAN, sameTag, type Tag} from '../mailbox/tag.ts';
import {channelMessages} from './select.ts';
import type {State} from './state.ts';

/**
 * How far a message came for one reader. `nobody`: that tag never joined, so the message waits for someone who may not
 * exist. `stored`: it waits. `taken`: a client has it and has not handed it over yet. `undelivered`: clients took it, and none of
 * them has handed it over; it is offered again. `returned`: it was handed over to a session that did not read it, and waits for
 * the next. `stuck`: it was handed over as often as it may be, and never read.
 */
type Rung = 'nobody' | 'stored' | 'taken' | 'undelivered' | 'returned' | 'delivered' | 'read' | 'acked' | 'stuck';

export interface Delivery {
	readonly reader: Tag;
	readonly rung: Rung;
	readonly receipt: Receipt | null;
}

/** One for each that the message names, then for whoever else got it; its own tag is no reader. `now`: ms since 1970. */
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
	return isAnyone(state, reader) ? 'stored' : 'nobody';
}

function rungOf(receipt: Receipt, now: number): Rung {
	if (receipt.state === 'acked' || receipt.state === 'read') return receipt.state;
	if (isStuck(receipt, now)) return 'stuck';
	if (isReturned(receipt)) return 'returned';
	if (receipt.delivered_at !== null) return 'delivered';
	if (failedTakes(receipt, now) > 0) return 'undelivered';
	return receipt.lease_until !== null && Date.parse(receipt.lease_until) > now ? 'taken' : 'stored';
}

/** More of a channel than this is not looked through for one message that its tag wrote. */
const lookedThrough = 200;

/** Whether anyone has this tag: it joined, it is the human's, or it wrote something; true while that is not known yet. */
export function isAnyone(state: State, tag: Tag): boolean {
	if (!state.loaded || sameTag(tag, HUMAN) || sameTag(tag, state.identity?.tag ?? HUMAN)) return true;
	if (state.agents.has(foldTag(tag))) return true;
	const messages = channelMessages(state, tag);
	// What it wrote may lie before the window.
	if (messages.length === 0 && state.from > 0) return state.channels.has(foldTag(tag));
	return messages.slice(-lookedThrough).some(message => sameTag(message.tag, tag));
}

/** Who was probably meant by a tag that nobody has; null when no one's is near. */
export function meantTag(state: State, tag: Tag): Tag | null {
	return nearest(tag, [...[...state.agents.values()].map(agent => agent.tag), HUMAN]);
}
