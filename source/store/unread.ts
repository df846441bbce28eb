import type {Message} from '../mailbox/message.ts';
import {RecentMap} from '../mailbox/recent.ts';
import {foldTag, sameTag} from '../mailbox/tag.ts';
import {allFeed, inboxFeed, type FeedId} from './state/feed.ts';
import {windowOf} from './loaded.ts';
import {firstFrom} from './state/scrollback.ts';
import type {State} from './state/state.ts';

/** The id up to which the messages of a feed count as read. Messages seen in the feed of all messages count, too. */
export function seenUpTo(state: State, feed: FeedId): number {
	const marks = feed === inboxFeed && state.identity !== null ? [feed, state.identity.tag, allFeed] : [feed, allFeed];
	return Math.max(state.seen_from, ...marks.map(mark => state.seen.get(foldTag(mark)) ?? 0));
}

/** The ends of a list of messages. The list itself is not kept in memory: its feed may not be shown any more. */
interface Ends {
	readonly length: number;
	readonly first: Message | undefined;
	readonly last: Message | undefined;
}

interface Count extends Ends {
	readonly seen: number;
	readonly identity: State['identity'];
	readonly unread: number;
}

/** Cached counts, for more feeds than a screen can show. */
const counts = new RecentMap<FeedId, Count>(1000);

/**
 * The number of unread messages of a feed in the window, without the identity's own. Called for each header of each frame:
 * while messages are only appended to a feed, only these are counted.
 */
export function unreadCount(state: State, feed: FeedId): number {
	if (!state.loaded) return 0;
	const {identity} = state;
	const messages = windowOf(state, feed);
	const seen = seenUpTo(state, feed);
	const last = counts.get(feed);
	const isSame = last !== undefined && last.seen === seen && last.identity === identity;
	const grows = isSame && isBeginningOf(last, messages);
	if (grows && last.length === messages.length) return last.unread;
	let unread = grows ? last.unread : 0;
	for (let at = grows ? last.length : firstFrom(messages, seen + 1); at < messages.length; at++) {
		if (!isOwn(identity, messages[at])) unread++;
	}
	counts.set(feed, {length: messages.length, first: messages[0], last: messages.at(-1), seen, identity, unread});
	return unread;
}

/** Whether one list is the beginning of another, judging by its ends: lists only grow at the end, or begin at a later message. */
function isBeginningOf({length, first, last}: Ends, other: readonly Message[]): boolean {
	return length > 0 && length <= other.length && first === other[0] && last === other[length - 1];
}

function isOwn(identity: State['identity'], message: Message | undefined): boolean {
	return identity !== null && sameTag(message?.author_tag ?? '', identity.tag);
}
