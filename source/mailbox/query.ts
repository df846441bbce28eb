import type {Pause} from './agent.ts';
import type {Message} from './message.ts';
import type {Receipt} from './receipt.ts';
import type {Tag} from './tag.ts';

/** Selects a page of history; absent fields do not restrict it. */
export interface HistoryQuery {
	/** Messages that this tag wrote or that mention it. */
	readonly channel?: Tag;
	/** The root of a thread. */
	readonly thread?: number;
	/** Only lower ids: the next older page. */
	readonly before?: number;
	/** Only higher ids. */
	readonly after?: number;
	/** Maximum number (1 to 1,000, default 100): the newest that match, oldest first. */
	readonly limit?: number;
	/** Return the oldest that match instead of the newest: the first page, or with `after` the next newer one. Also oldest first. */
	readonly oldest?: boolean;
}

export interface SearchPage {
	/** Maximum number, the newest that match (1 to 1,000, default 50). */
	readonly limit?: number;
	/** Only lower ids: the next older page. */
	readonly before?: number;
	/** Cancels the search, which then rejects with `offline`. */
	readonly signal?: AbortSignal;
}

/** What a part of a search found. */
export interface SearchPart {
	/** Newest first, and older than those of the parts before. */
	readonly messages: readonly Message[];
	/** How far back everything was searched. Null after the last part: the page is full, or nothing older is left. */
	readonly searchedTo: SearchedTo | null;
}

export interface SearchedTo {
	/** The oldest message that was searched. */
	readonly id: number;
	/** When it was written; null if that is not known. */
	readonly at: string | null;
}

export interface InboxQuery {
	/** Maximum number, oldest first; default 50. */
	readonly limit?: number;
	/** Only messages that `take` would return now. */
	readonly free?: boolean;
}

export interface TakeOptions {
	/** Maximum number, oldest first; default 20. */
	readonly limit?: number;
	/** How they will be handed over: `hook`, `mcp`, `cli`. */
	readonly route: string;
	/** The id of this take for `release`, at most 64 characters; without it, the take ends only with its lease. */
	readonly takeId?: string;
	/** The client session that takes them. */
	readonly session?: string;
	/** Maximum bytes of their content after the first one; default 1 MB. */
	readonly bytes?: number;
}

export interface CheckOptions extends TakeOptions {
	/** The maximum number of messages in `waiting`; default 11. */
	readonly named?: number;
	/** Whether `open` is wanted. */
	readonly open?: boolean;
}

/** Messages that were taken, and what is said beside them. */
export interface Checked {
	readonly messages: readonly Message[];
	/** Those of the reader for them, after this take. */
	readonly receipts: readonly Receipt[];
	/** The ids of others that could be taken, oldest first; null if that is not known. */
	readonly waiting: readonly number[] | null;
	/** If none was taken: the ids of those among the oldest open messages that the reader was given before. */
	readonly open: readonly number[];
	/** The pause of the reader, for which nothing is taken; null if it is not paused, or the database cannot tell. */
	readonly paused: Pause | null;
}

/** A tag that wrote or was addressed, and the newest message in its channel. */
export interface Channel {
	readonly tag: Tag;
	readonly last_id: number;
}
