import type {Message} from '../mailbox/message.ts';
import {foldTag, sameTag} from '../mailbox/tag.ts';
import {allFeed, inboxFeed, type FeedId} from './feed.ts';
import {windowOf} from './held.ts';
import {firstFrom} from './past.ts';
import type {State} from './state.ts';

/** Up to which id a pane's messages count as read. A message that was seen among all was seen. */
export function seenUpTo(state: State, feed: FeedId): number {
	const marks = feed === inboxFeed && state.identity !== null ? [feed, state.identity.tag, allFeed] : [feed, allFeed];
	return Math.max(state.seen_from, ...marks.map(mark => state.seen.get(foldTag(mark)) ?? 0));
}

interface Count {
	readonly messages: readonly Message[];
	readonly seen: number;
	readonly identity: State['identity'];
	readonly unread: number;
}

const counts = new Map<FeedId, Count>();

/**
 * How many messages of a feed came since it was looked at, as far as the window holds them; one's own are not counted.
 * Asked for each header of each frame: while a feed only grows, what is new in it is counted and nothing else.
 */
export function unreadCount(state: State, feed: FeedId): number {
	if (!state.loaded) return 0;
	const {identity} = state;
	const messages = windowOf(state, feed);
	const seen = seenUpTo(state, feed);
	const last = counts.get(feed);
	const isSame = last !== undefined && last.seen === seen && last.identity === identity;
	if (isSame && last.messages === messages) return last.unread;
	const grows = isSame && isBeginningOf(last.messages, messages);
	let unread = grows ? last.unread : 0;
	for (let at = grows ? last.messages.length : firstFrom(messages, seen + 1); at < messages.length; at++) {
		if (!isOwn(identity, messages[at])) unread++;
	}
	counts.set(feed, {messages, seen, identity, unread});
	return unread;
}

/** As far as can be told by its ends: messages are only added to a list, or it is made anew from a later one on. */
function isBeginningOf(one: readonly Message[], other: readonly Message[]): boolean {
	const {length} = one;
	return length > 0 && length <= other.length && one[0] === other[0] && one[length - 1] === other[length - 1];
}

function isOwn(identity: State['identity'], message: Message | undefined): boolean {
	return identity !== null && sameTag(message?.author_tag ?? '', identity.tag);
}
