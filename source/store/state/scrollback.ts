import type {Message} from '../../mailbox/message.ts';
import {lowerBound, mergeById} from './ordered.ts';

/**
 * The messages of one feed that were loaded and are older than the window: all with `lower` <= id < `upper`. It grows by pages
 * at both ends and is bounded: messages far from the visible ones are dropped, and loaded again when they are needed.
 */
export interface Scrollback {
	/** By id, ascending. */
	readonly messages: readonly Message[];
	/** 0: nothing older exists. */
	readonly lower: number;
	/** If it is the window's first id, the window follows without a gap. */
	readonly upper: number;
	/** The id at the bottom edge of the pane; Infinity while the pane follows the newest message. */
	readonly around: number;
}

/** The maximum number of messages. A thread may have more, because it is shown as a tree, which needs all of them. */
const maxScrollback = 1000;
const maxThread = 5000;
/** How many messages are kept when the pane follows the newest message again. */
const tailOfScrollback = 200;

/** A scrollback without messages, directly before a window that begins at `from`. */
export function emptyScrollback(from: number): Scrollback {
	return {messages: [], lower: from, upper: from, around: Infinity};
}

/** Adds a page before the scrollback, which has all messages of the feed from the new `lower` on. */
export function withOlder(
	scrollback: Scrollback,
	page: readonly Message[],
	lower: number,
	isThread: boolean,
): Scrollback {
	return bounded({...scrollback, messages: mergeById(page, scrollback.messages), lower}, isThread);
}

/** Adds a page after the scrollback, which has all messages of the feed below `reaches`. */
export function withNewer(
	scrollback: Scrollback,
	page: readonly Message[],
	reaches: number,
	isThread: boolean,
): Scrollback {
	const messages = mergeById(
		scrollback.messages,
		page.filter(({id}) => id < reaches),
	);
	return bounded({...scrollback, messages, upper: Math.max(scrollback.upper, reaches)}, isThread);
}

/** The newest few messages, so that a quiet channel still fills its pane when it is not scrolled back; null if a gap follows. */
export function released(scrollback: Scrollback, from: number): Scrollback | null {
	if (scrollback.upper !== from) return null;
	if (scrollback.around === Infinity && scrollback.messages.length <= tailOfScrollback) return scrollback;
	return cut(
		{...scrollback, around: Infinity},
		Math.max(0, scrollback.messages.length - tailOfScrollback),
		scrollback.messages.length,
	);
}

/** Drops messages beyond the maximum number, those far from the visible ones first. */
export function bounded(scrollback: Scrollback, isThread: boolean): Scrollback {
	const max = isThread ? maxThread : maxScrollback;
	const {length} = scrollback.messages;
	if (length <= max) return scrollback;
	const at = firstFrom(scrollback.messages, scrollback.around);
	const start = Math.max(0, Math.min(length - max, at - Math.floor(max / 2)));
	return cut(scrollback, start, start + max);
}

function cut(scrollback: Scrollback, start: number, end: number): Scrollback {
	const first = scrollback.messages[start];
	const over = scrollback.messages[end];
	return {
		...scrollback,
		messages: scrollback.messages.slice(start, end),
		lower: start > 0 && first !== undefined ? first.id : scrollback.lower,
		upper: over === undefined ? scrollback.upper : over.id,
	};
}

/** The index of the first message with this id or a greater one; the list's length if there is none. */
export function firstFrom(messages: readonly Message[], id: number): number {
	return lowerBound(messages, message => message.id < id);
}
