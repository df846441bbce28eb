import type {Message} from '../../mailbox/message.ts';
import type {Change} from './change.ts';
import {withChannelsOf} from './channels.ts';
import {belongs, threadOf, type FeedId} from './feed.ts';
import {mergeById} from './ordered.ts';
import type {Receipts} from './receipts.ts';
import {bounded, emptyScrollback, released, withNewer, withOlder, type Scrollback} from './scrollback.ts';
import type {State} from './state.ts';

// The loaded messages: the window, which has the newest, and the scrollbacks of feeds, which end where the window begins at the latest.

/** Adds messages that arrived: new ones to the window, late ones to the scrollbacks that cover their ids. */
export function withMessages(state: State, incoming: readonly Message[]): State {
	const late = state.from === 0 ? none : incoming.filter(({id}) => id < state.from);
	const fresh = late.length === 0 ? incoming : incoming.filter(({id}) => id >= state.from);
	const messages = mergeById(state.messages, fresh);
	const scrollbacks = withLate(state, late);
	const returned = new Set(incoming.map(({client_id}) => client_id));
	const pending = state.pending.some(({draft}) => returned.has(draft.client_id))
		? state.pending.filter(({draft}) => !returned.has(draft.client_id))
		: state.pending;
	if (messages === state.messages && pending === state.pending && scrollbacks === state.scrollbacks) return state;
	return withChannelsOf({...state, messages, scrollbacks, pending}, incoming);
}

/** Replaces the loaded rows of redacted messages. */
export function withRedacted(state: State, redacted: readonly Message[]): State {
	const byId = new Map(redacted.map(message => [message.id, message]));
	const replaced = (messages: readonly Message[]): readonly Message[] => {
		const isStale = ({id, content}: Message): boolean => (byId.get(id)?.content ?? content) !== content;
		return messages.some(isStale) ? messages.map(message => byId.get(message.id) ?? message) : messages;
	};
	const messages = replaced(state.messages);
	const scrollbacks = changedPasts(state, scrollback => {
		const inScrollback = replaced(scrollback.messages);
		return inScrollback === scrollback.messages ? scrollback : {...scrollback, messages: inScrollback};
	});
	return messages === state.messages && scrollbacks === state.scrollbacks ? state : {...state, messages, scrollbacks};
}

const none: readonly Message[] = [];

/** Ids commit out of order: a late message that is older than the window goes into the scrollbacks that cover its id. */
function withLate(state: State, late: readonly Message[]): State['scrollbacks'] {
	if (late.length === 0) return state.scrollbacks;
	return changedPasts(state, (scrollback, feed) => {
		const messages = mergeById(
			scrollback.messages,
			late.filter(
				message =>
					message.id >= scrollback.lower && message.id < scrollback.upper && belongs(state.identity, feed, message),
			),
		);
		return messages === scrollback.messages ? scrollback : bounded({...scrollback, messages}, threadOf(feed) !== null);
	});
}

function changedPasts(
	state: State,
	change: (scrollback: Scrollback, feed: FeedId) => Scrollback,
): State['scrollbacks'] {
	let next: Map<FeedId, Scrollback> | undefined;
	for (const [feed, scrollback] of state.scrollbacks) {
		const changed = change(scrollback, feed);
		if (changed !== scrollback) (next ??= new Map(state.scrollbacks)).set(feed, changed);
	}
	return next ?? state.scrollbacks;
}

/** Adds the newest page of everything, with which the window begins. */
export function withRecent(state: State, page: readonly Message[], complete: boolean): State {
	const merged = withMessages(state, page);
	const from = complete ? 0 : (page[0]?.id ?? 0);
	return {...merged, from, messages: merged.messages.filter(({id}) => id >= from)};
}

/** If the scrollback has changed since a page was requested, the page is ignored and will be requested again. */
export function withPage(state: State, change: Extract<Change, {type: 'older' | 'newer' | 'elsewhere'}>): State {
	const isThread = threadOf(change.feed) !== null;
	const scrollback = state.scrollbacks.get(change.feed);
	const put = (next: Scrollback): State => ({...state, scrollbacks: new Map(state.scrollbacks).set(change.feed, next)});
	switch (change.type) {
		case 'older':
			if (scrollback?.lower !== change.before) return state;
			return put(withOlder(scrollback, change.messages, change.lower, isThread));
		case 'newer':
			if (scrollback?.upper !== change.from) return state;
			return put(withNewer(scrollback, change.messages, Math.min(change.reaches, state.from), isThread));
		case 'elsewhere': {
			const upper = Math.min(change.upper, state.from);
			const messages = change.messages.filter(({id}) => id < upper);
			return put({messages, lower: Math.min(change.lower, upper), upper, around: change.around});
		}
	}
}

/** The maximum number of scrollbacks. Beyond it, those that have not been looked at for the longest time are dropped. */
const maxScrollbacks = 12;

/** Remembers which part of a feed the human looks at, so that it stays loaded. */
export function withLook(state: State, feed: FeedId, around: number | null): State {
	const scrollback = state.scrollbacks.get(feed);
	if (scrollback === undefined ? around === null : scrollback.around === around) return state;
	const next = scrollback ?? emptyScrollback(state.from);
	const kept = around === null ? released(next, state.from) : {...next, around};
	if (kept === scrollback) return state;
	const scrollbacks = new Map(state.scrollbacks);
	scrollbacks.delete(feed);
	if (kept !== null) scrollbacks.set(feed, kept);
	for (const [oldest] of scrollbacks) {
		if (scrollbacks.size <= maxScrollbacks) break;
		scrollbacks.delete(oldest);
	}
	return {...state, scrollbacks};
}

/** Removes the oldest messages from the window. They stay in the scrollbacks that end at the window. */
export function trimmed(state: State, keep: number): State {
	if (state.messages.length <= keep) return state;
	const messages = state.messages.slice(-keep);
	const dropped = state.messages.slice(0, -keep);
	const from = messages[0]?.id ?? state.from;
	const scrollbacks = changedPasts(state, (scrollback, feed) => {
		if (scrollback.upper !== state.from) return scrollback;
		const own = dropped.filter(message => belongs(state.identity, feed, message));
		return bounded({...scrollback, messages: [...scrollback.messages, ...own], upper: from}, threadOf(feed) !== null);
	});
	return {...state, messages, from, scrollbacks, receipts: loadedOnly(state.receipts, {from, scrollbacks})};
}

/** The number of loaded messages: the window and all scrollbacks (twice, if in two of them). */
export function loadedCount({messages, scrollbacks}: Pick<State, 'messages' | 'scrollbacks'>): number {
	return [...scrollbacks.values()].reduce((count, scrollback) => count + scrollback.messages.length, messages.length);
}

/** The receipts of loaded messages. */
export function loadedOnly(receipts: Receipts, {from, scrollbacks}: Pick<State, 'from' | 'scrollbacks'>): Receipts {
	const scrollback = new Set([...scrollbacks.values()].flatMap(({messages}) => messages.map(({id}) => id)));
	return receipts.of(id => id >= from || scrollback.has(id));
}
