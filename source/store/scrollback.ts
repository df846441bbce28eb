import type {Message} from '../mailbox/message.ts';
import {mergeById} from './ordered.ts';

/**
 * What was read back of one feed, older than the window: every message of the feed with `lower` <= id < `upper`. It grows
 * by pages at both ends and is bounded: what lies far from where somebody looks is dropped and read again when it is wanted.
 */
export interface Scrollback {
	/** By id, ascending. */
	readonly messages: readonly Message[];
	/** 0: nothing older exists. */
	readonly lower: number;
	/** The window's own beginning: the window follows without a gap. */
	readonly upper: number;
	/** The id that stands at the bottom edge of who looks; Infinity while that follows the newest. */
	readonly around: number;
}

/** The most messages of one past. A thread is shown as a tree, and is no tree in pieces: more of it may stand. */
const maxScrollback = 1000;
const maxThread = 5000;
/** What is kept of a past when nobody looks back in it any more. */
const tailOfScrollback = 200;

/** Nothing of the feed yet, directly before a window that begins at `from`. */
export function emptyScrollback(from: number): Scrollback {
	return {messages: [], lower: from, upper: from, around: Infinity};
}

/** With a page of messages below `lower` of the past, which holds everything of the feed from its own `lower` on. */
export function withOlder(
	scrollback: Scrollback,
	page: readonly Message[],
	lower: number,
	isThread: boolean,
): Scrollback {
	return bounded({...scrollback, messages: mergeById(page, scrollback.messages), lower}, isThread);
}

/** With a page from `upper` on, which holds everything of the feed below `reaches`. */
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

/** Nobody looks back any more: the newest few, so that a quiet channel still fills its pane; null when a gap follows. */
export function released(scrollback: Scrollback, from: number): Scrollback | null {
	if (scrollback.upper !== from) return null;
	if (scrollback.around === Infinity && scrollback.messages.length <= tailOfScrollback) return scrollback;
	return cut(
		{...scrollback, around: Infinity},
		Math.max(0, scrollback.messages.length - tailOfScrollback),
		scrollback.messages.length,
	);
}

/** Cut to its longest, what is far away first. */
export function bounded(scrollback: Scrollback, isThread: boolean): Scrollback {
	const longest = isThread ? maxThread : maxScrollback;
	const {length} = scrollback.messages;
	if (length <= longest) return scrollback;
	const at = firstFrom(scrollback.messages, scrollback.around);
	const start = Math.max(0, Math.min(length - longest, at - Math.floor(longest / 2)));
	return cut(scrollback, start, start + longest);
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

/** The index of the first message with this id or a greater one; the length when there is none. */
export function firstFrom(messages: readonly Message[], id: number): number {
	let low = 0;
	let high = messages.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((messages[middle]?.id ?? 0) < id) low = middle + 1;
		else high = middle;
	}
	return low;
}
