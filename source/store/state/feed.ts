import type {Identity} from '../../mailbox/agent.ts';
import {inChannel, type Message} from '../../mailbox/message.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';

/** The name of a feed: one of the two below, a folded tag (its channel), or a thread with its root. */
export type FeedId = string;
/** Every message. */
export const allFeed: FeedId = '#all';
/** The messages that mention the identity's tag. */
export const inboxFeed: FeedId = '#inbox';

const threadPrefix = '#thread:';

export function threadFeed(root: number): FeedId {
	return `${threadPrefix}${root}`;
}

/** The root of a thread's feed; null for any other feed. */
export function threadOf(feed: FeedId): number | null {
	return feed.startsWith(threadPrefix) ? Number(feed.slice(threadPrefix.length)) : null;
}

/** Whether the message belongs to the feed; the inbox is that of `identity`. */
export function belongs(identity: Identity | null, feed: FeedId, message: Message): boolean {
	if (feed === allFeed) return true;
	if (feed === inboxFeed) return identity !== null && isAddressedTo(message, identity.tag);
	const root = threadOf(feed);
	return root === null ? inChannel(message, feed) : message.thread_id === root;
}

/** Whether somebody else's message mentions the reader. */
export function isAddressedTo(message: Message, reader: Tag): boolean {
	return !sameTag(message.tag, reader) && message.mentions.some(tag => sameTag(tag, reader));
}
