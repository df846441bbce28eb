import type {Identity} from '../mailbox/agent.ts';
import {inChannel, type Message} from '../mailbox/message.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';

/** What can be scrolled through, by name: one of the two below, a folded tag (its channel), or a thread by its root. */
export type FeedId = string;
/** Every message. */
export const allFeed: FeedId = '#all';
/** What addresses the identity by name. */
export const inboxFeed: FeedId = '#inbox';

const threadPrefix = '#thread:';

export function threadFeed(root: number): FeedId {
	return `${threadPrefix}${root}`;
}

/** The root of a thread's feed; null for any other. */
export function threadOf(feed: FeedId): number | null {
	return feed.startsWith(threadPrefix) ? Number(feed.slice(threadPrefix.length)) : null;
}

/** Whether the message stands in the feed; `identity`: whose inbox it is. */
export function belongs(identity: Identity | null, feed: FeedId, message: Message): boolean {
	if (feed === allFeed) return true;
	if (feed === inboxFeed) return identity !== null && isAddressedTo(message, identity.tag);
	const root = threadOf(feed);
	return root === null ? inChannel(message, feed) : message.thread_id === root;
}

/** Whether the reader is named in it, by somebody else. */
export function isAddressedTo(message: Message, reader: Tag): boolean {
	return !sameTag(message.tag, reader) && message.mentions.some(tag => sameTag(tag, reader));
}
