import type {Message} from '../mailbox/message.ts';
import {RecentMap} from '../mailbox/recent.ts';
import {foldTag, sameTag} from '../mailbox/tag.ts';
import {allFeed, inboxFeed, type FeedId} from './feed.ts';
import {windowOf} from './loaded.ts';
import {firstFrom} from './scrollback.ts';
import type {State} from './state.ts';

/** Up to which id a pane's messages count as read. A message that was seen among all was seen. */
export function seenUpTo(state: State, feed: FeedId): number {
	const marks = feed === inboxFeed && state.identity !== null ? [feed, state.identity.tag, allFeed] : [feed, allFeed];
	return Math.max(state.seen_from, ...marks.map(mark => state.seen.get(foldTag(mark)) ?? 0));
}

/** Of a list of messages its ends alone: the list may be the window of a feed that nobody shows any more. */
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

/** Feeds whose count is remembered: more than a screen shows. */
const counts = new RecentMap<FeedId, Count>(1000);

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
	const grows = isSame && isBeginningOf(last, messages);
	if (grows && last.length === messages.length) return last.unread;
	let unread = grows ? last.unread : 0;
	for (let at = grows ? last.length : firstFrom(messages, seen + 1); at < messages.length; at++) {
		if (!isOwn(identity, messages[at])) unread++;
	}
	counts.set(feed, {length: messages.length, first: messages[0], last: messages.at(-1), seen, identity, unread});
	return unread;
}

/** As far as can be told by its ends: messages are only added to a list, or it is made anew from a later one on. */
function isBeginningOf({length, first, last}: Ends, other: readonly Message[]): boolean {
	return length > 0 && length <= other.length && first === other[0] && last === other[length - 1];
}

function isOwn(identity: State['identity'], message: Message | undefined): boolean {
	return identity !== null && sameTag(message?.author_tag ?? '', identity.tag);
}
