import type {Message} from '../mailbox/message.ts';
import {mergeById} from './ordered.ts';

/**
 * What was read back of one feed, older than the window: every message of the feed with `lower` <= id < `upper`. It grows
 * by pages at both ends and is bounded: what lies far from where somebody looks is dropped and read again when it is wanted.
 */
export interface Past {
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
const longestPast = 1000;
const longestThread = 5000;
/** What is kept of a past when nobody looks back in it any more. */
const tailOfPast = 200;

/** Nothing of the feed yet, directly before a window that begins at `from`. */
export function emptyPast(from: number): Past {
	return {messages: [], lower: from, upper: from, around: Infinity};
}

/** With a page of messages below `lower` of the past, which holds everything of the feed from its own `lower` on. */
export function withOlder(past: Past, page: readonly Message[], lower: number, isThread: boolean): Past {
	return bounded({...past, messages: mergeById(page, past.messages), lower}, isThread);
}

/** With a page from `upper` on, which holds everything of the feed below `reaches`. */
export function withNewer(past: Past, page: readonly Message[], reaches: number, isThread: boolean): Past {
	const messages = mergeById(
		past.messages,
		page.filter(({id}) => id < reaches),
	);
	return bounded({...past, messages, upper: Math.max(past.upper, reaches)}, isThread);
}

/** Nobody looks back any more: the newest few, so that a quiet channel still fills its pane; null when a gap follows. */
export function released(past: Past, from: number): Past | null {
	if (past.upper !== from) return null;
	if (past.around === Infinity && past.messages.length <= tailOfPast) return past;
	return cut({...past, around: Infinity}, Math.max(0, past.messages.length - tailOfPast), past.messages.length);
}

/** Cut to its longest, what is far away first. */
export function bounded(past: Past, isThread: boolean): Past {
	const longest = isThread ? longestThread : longestPast;
	const {length} = past.messages;
	if (length <= longest) return past;
	const at = firstFrom(past.messages, past.around);
	const start = Math.max(0, Math.min(length - longest, at - Math.floor(longest / 2)));
	return cut(past, start, start + longest);
}

function cut(past: Past, start: number, end: number): Past {
	const first = past.messages[start];
	const over = past.messages[end];
	return {
		...past,
		messages: past.messages.slice(start, end),
		lower: start > 0 && first !== undefined ? first.id : past.lower,
		upper: over === undefined ? past.upper : over.id,
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
