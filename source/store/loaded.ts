import type {Message} from '../mailbox/message.ts';
import {foldTag} from '../mailbox/tag.ts';
import {allFeed, inboxFeed, threadOf, type FeedId} from './state/feed.ts';
import {indexOf} from './message-index.ts';
import type {State} from './state/state.ts';

const none: readonly Message[] = [];

/** The feed's part of the window, by id. */
export function windowOf(state: State, feed: FeedId): readonly Message[] {
	if (feed === allFeed) return state.messages;
	const {channels, addressed, threads} = indexOf(state.messages);
	if (feed === inboxFeed) {
		return state.identity === null ? none : (addressed.get(foldTag(state.identity.tag)) ?? none);
	}
	const root = threadOf(feed);
	return (root === null ? channels.get(foldTag(feed)) : threads.get(root)) ?? none;
}

/** The loaded messages of a feed: its scrollback, then its part of the window. The two lists are never joined. */
export interface LoadedFeed {
	/** Older than the window, by id. */
	readonly scrollback: readonly Message[];
	/** The feed's part of the window; empty while messages between it and the scrollback are not loaded. */
	readonly recent: readonly Message[];
	/** Whether no older messages exist. */
	readonly atStart: boolean;
	/** Whether the newest messages are loaded. */
	readonly atEnd: boolean;
}

/** The loaded messages of a feed. */

export function loadedOf(state: State, feed: FeedId): LoadedFeed {
	const scrollback = state.scrollbacks.get(feed);
	const atEnd = scrollback === undefined || scrollback.upper === state.from;
	return {
		scrollback: scrollback?.messages ?? none,
		recent: atEnd ? windowOf(state, feed) : none,
		atStart: (scrollback?.lower ?? state.from) === 0,
		atEnd,
	};
}
