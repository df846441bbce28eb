import type {Tag} from './tag.ts';

/** The values of `is:` and `has:`. */
export const qualities = ['unread', 'mine', 'unverified', 'stuck'] as const;
export type Quality = (typeof qualities)[number];
export const contents = ['task', 'code', 'link'] as const;
export type Content = (typeof contents)[number];

/** A point in time: milliseconds since 1970, or milliseconds before it is evaluated. */
export type Moment = {readonly at: number} | {readonly ago: number};

/** One condition; `not` negates it. */
export type Term = {readonly not: boolean} & (
	| {
			readonly kind: 'text';
			/** In lower case, only letters and digits, to match in sequence. Never empty. */
			readonly words: readonly string[];
			/** Whether to match whole words; otherwise the last one may be a prefix. */
			readonly phrase: boolean;
	  }
	/** Written under the tag; mentioning it; either. */
	| {readonly kind: 'from' | 'to' | 'tag'; readonly tag: Tag}
	/** In the thread with this root; the message with this id. */
	| {readonly kind: 'in' | 'id'; readonly id: number}
	/** From that moment on; before it. */
	| {readonly kind: 'after' | 'before'; readonly moment: Moment}
	| {readonly kind: 'is'; readonly quality: Quality}
	| {readonly kind: 'has'; readonly content: Content}
);

/** A filter for messages: all terms of one of the alternatives must match. Without alternatives, all messages match. */
export interface Filter {
	readonly alternatives: ReadonlyArray<readonly Term[]>;
}

export const everything: Filter = {alternatives: []};

/** Whether it depends on what was read, which only the screen knows. */
export function asksForUnread({alternatives}: Filter): boolean {
	return alternatives.some(terms => terms.some(isUnreadTerm));
}

/** The part that the mailbox can evaluate: everything except `is:unread`, which the caller still has to check. */
export function storedPart({alternatives}: Filter): Filter {
	const rest = alternatives.map(terms => terms.filter(term => !isUnreadTerm(term)));
	return rest.some(terms => terms.length === 0) ? everything : {alternatives: rest};
}

/** The filter with additional terms: each alternative gets them. */
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
