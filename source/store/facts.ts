import type {Facts} from '../mailbox/filter/filter-match.ts';
import type {Message} from '../mailbox/message.ts';
import {isStuck} from '../mailbox/receipt.ts';
import {foldTag, sameTag} from '../mailbox/tag.ts';
import type {State} from './state/state.ts';

/**
 * Everything that a filter needs to know about a message in addition to its row. Whether it was read is decided by `state`, so that
 * showing a message does not remove it from a filter for unread ones; receipts come from `latest`. `now`: milliseconds since 1970.
 */
export function factsOf(state: State, latest: () => State, now: number): Facts {
	const {identity, seen, seen_from} = state;
	const me = identity?.tag ?? null;
	return {
		now,
		me,
		isUnread({id, tag, mentions, author_tag}: Message) {
			if (id <= seen_from || (me !== null && sameTag(author_tag ?? '', me))) return false;
			return [tag, ...mentions].every(each => (seen.get(foldTag(each)) ?? 0) < id);
		},
		isStuck: ({id}) =>
			latest()
				.receipts.get(id)
				?.some(receipt => isStuck(receipt, Date.now())) === true,
	};
}
