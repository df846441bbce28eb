import type {Tag} from './tag.ts';

/** Words for what a message is and has, as `is:` and `has:` take them. */
export const qualities = ['unread', 'mine', 'unverified', 'stuck'] as const;
export type Quality = (typeof qualities)[number];
export const contents = ['task', 'code', 'link'] as const;
export type Content = (typeof contents)[number];

/** A point in time: milliseconds since 1970, or so many milliseconds before it is asked. */
export type Moment = {readonly at: number} | {readonly ago: number};

/** One condition; `not` turns it round. */
export type Term = {readonly not: boolean} & (
	| {
			readonly kind: 'text';
			/** Lower case, letters and digits alone; they stand one after the other. Never empty. */
			readonly words: readonly string[];
			/** Whole words; otherwise the last one may go on. */
			readonly phrase: boolean;
	  }
	/** Written under the tag; addressed to it by name; either. */
	| {readonly kind: 'from' | 'to' | 'tag'; readonly tag: Tag}
	/** In the thread with this root; the message itself. */
	| {readonly kind: 'in' | 'id'; readonly id: number}
	/** From that moment on; earlier than it. */
	| {readonly kind: 'after' | 'before'; readonly moment: Moment}
	| {readonly kind: 'is'; readonly quality: Quality}
	| {readonly kind: 'has'; readonly content: Content}
);

/** Which messages are wanted: all terms of one of the alternatives hold. Without any alternative: all messages. */
export interface Filter {
	readonly alternatives: ReadonlyArray<readonly Term[]>;
}

export const everything: Filter = {alternatives: []};

/** Whether it depends on what somebody looked at, which the screen alone knows. */
export function asksForUnread({alternatives}: Filter): boolean {
	return alternatives.some(terms => terms.some(isUnreadTerm));
}

/** The part that the mailbox decides: all but `is:unread`. What it lets through has still to be looked at where that is known. */
export function storedPart({alternatives}: Filter): Filter {
	const rest = alternatives.map(terms => terms.filter(term => !isUnreadTerm(term)));
	return rest.some(terms => terms.length === 0) ? everything : {alternatives: rest};
}

/** Both hold: each alternative gets the terms as well. */
export function narrowed({alternatives}: Filter, ...terms: readonly Term[]): Filter {
	if (alternatives.length === 0) return {alternatives: [terms]};
	return {alternatives: alternatives.map(each => [...each, ...terms])};
}

export function momentAt(moment: Moment, now: number): number {
	return 'at' in moment ? moment.at : now - moment.ago;
}

function isUnreadTerm(term: Term): boolean {
	return term.kind === 'is' && term.quality === 'unread';
}
