import type {Message} from '../../mailbox/message.ts';
import {firstFrom} from '../../store/state/scrollback.ts';
import type {FeedId} from '../../store/state/feed.ts';
import {windowOf} from '../../store/loaded.ts';
import type {State} from '../../store/state/state.ts';
import {p, printable, type Printable} from '../../printable.ts';
import type {PaneFilter} from './pane-filter.ts';

/** The messages of a feed that match a filter. */
export interface Filtered {
	/** Found by the mailbox, older than `recent`, by id. */
	readonly older: readonly Message[];
	/** Seen in the loaded window since the filter was set, by id. */
	readonly recent: readonly Message[];
	/** Everything from this id on was tested here; the mailbox searches older messages. */
	readonly from: number;
	/** Nothing older matches. */
	readonly atStart: boolean;
	/** How many messages of the window do not match. */
	readonly hidden: number;
}

/** How many messages of a pane are shown and hidden, as far as it was searched. */
export function filterSummary({older, recent, atStart, hidden}: Filtered): Printable {
	const shown = (older.length + recent.length).toLocaleString('en');
	return p`${printable(shown)}${atStart ? '' : '+'} shown, ${printable(hidden.toLocaleString('en'))}${atStart ? '' : '+'} hidden`;
}

interface Known {
	readonly window: readonly Message[];
	readonly receipts: State['receipts'];
	readonly recent: readonly Message[];
	readonly from: number;
}

/** How many recent matches to keep, so that a filter that is never cleared does not grow without limit. */
const maxRecent = 5000;

const known = new WeakMap<PaneFilter['test'], Known>();

/** Tests each message once, when it arrives, so that a frame costs only what is new in it. */
export function filteredOf(state: State, feed: FeedId, filter: PaneFilter): Filtered {
	const window = windowOf(state, feed);
	let now = known.get(filter.test);
	if (now?.window !== window || (filter.heedsReceipts && now.receipts !== state.receipts)) {
		now = testWindow(state, window, filter, now);
		known.set(filter.test, now);
	}
	const isJoined = filter.upper === now.from;
	return {
		older: isJoined ? filter.older : [],
		recent: now.recent,
		from: now.from,
		atStart: now.from === 0 || (isJoined && filter.complete),
		hidden: window.length - (now.recent.length - firstFrom(now.recent, window[0]?.id ?? Infinity)),
	};
}

function testWindow(
	state: State,
	window: readonly Message[],
	{test, heedsReceipts}: PaneFilter,
	before?: Known,
): Known {
	const {receipts} = state;
	if (before === undefined)
		return {window, receipts, recent: window.filter(message => test(message)), from: state.from};
	// Messages that have left the window were tested while they were in it.
	const first = window[0]?.id ?? Infinity;
	const left = before.recent.slice(0, firstFrom(before.recent, first));
	const fresh = heedsReceipts && before.receipts !== receipts ? 0 : firstFresh(before.window, window);
	const kept = fresh === 0 ? left : before.recent;
	const added = window.slice(fresh).filter(message => test(message));
	const recent = added.length === 0 ? kept : [...kept, ...added];
	const over = recent.length - maxRecent;
	if (over <= maxRecent / 10) return {window, receipts, recent, from: before.from};
	return {window, receipts, recent: recent.slice(over), from: recent[over]?.id ?? before.from};
}

/** The index of the first new message in the window; 0 if it changed elsewhere than at its ends. */
function firstFresh(before: readonly Message[], window: readonly Message[]): number {
	const last = before.at(-1);
	const first = window[0];
	if (last === undefined || first === undefined || last.id < first.id) return 0;
	const end = firstFrom(window, last.id) + 1;
	return window[end - 1] === last && end === before.length - firstFrom(before, first.id) ? end : 0;
}
