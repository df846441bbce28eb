import {maxContentBytes} from './message.ts';
import type {Tag} from './tag.ts';

/** Which messages a page of history holds; absent fields do not restrict. */
export interface HistoryQuery {
	/** Everything that this tag wrote or is addressed by. */
	readonly channel?: Tag;
	/** The root of a thread. */
	readonly thread?: number;
	/** Only ids below this one: the next older page. */
	readonly before?: number;
	/** Only ids above this one. */
	readonly after?: number;
	/** At most this many (1 to 1,000; 100 when absent): the newest that match, oldest first. */
	readonly limit?: number;
	/** The oldest that match instead of the newest: the first page, or with `after` the next newer one. Oldest first, too. */
	readonly oldest?: boolean;
}

export interface SearchPage {
	/** At most this many, the newest that match (1 to 1,000; 50 when absent). */
	readonly limit?: number;
	/** Only ids below this one: the next older page. */
	readonly before?: number;
	/** Ends the search when nobody waits for it any more; it then rejects with `offline`. */
	readonly signal?: AbortSignal;
}

export interface InboxQuery {
	/** At most this many, oldest first; 50 when absent. */
	readonly limit?: number;
	/** Only what `take` would hand over now. */
	readonly free?: boolean;
}

export interface TakeOptions {
	/** At most this many, oldest first; 20 when absent. */
	readonly limit?: number;
	/** By which way they will be handed over: `hook`, `mcp`, `cli`. */
	readonly route: string;
	/** What `release` calls this take, at most 64 characters; without it only its lease ends it. */
	readonly takeId?: string;
}

/** Bytes of content that one take is given: inbox_take in supabase/migrations says the same where it is not told. */
const takeBytes = 1_048_576;

/**
 * Whether there may be more to take: a take ends at its limit of messages, or before the message that exceeds its limit of bytes.
 * `taken`: what it gave.
 */
export function mayBeMore(taken: readonly {readonly content: string}[], limit: number, bytes = takeBytes): boolean {
	const size = taken.reduce((sum, {content}) => sum + Buffer.byteLength(content), 0);
	return taken.length >= limit || size > bytes - maxContentBytes;
}

/** One tag that wrote or was addressed, and the newest message of its channel: what the panes are made from. */
export interface Channel {
	readonly tag: Tag;
	readonly last_id: number;
}
