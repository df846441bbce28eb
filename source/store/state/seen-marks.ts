import type {Replaced} from '../../mailbox/event.ts';
import type {FeedId} from './feed.ts';
import type {State} from './state.ts';

/** Up to where the human has read, as it is stored between two starts. */
export interface SeenMarks {
	/** The epoch of the database that these ids belong to. */
	readonly epoch: string;
	/** Feeds without a mark have been read up to here. */
	readonly from: number;
	/** Folded tag (or `#ALL`, `#INBOX`) to the newest id that was looked at. */
	readonly marks: ReadonlyMap<FeedId, number>;
}

/** The maximum number of marks. */
const maxMarks = 1000;

/** The marks of a state; null while its epoch is unknown. If there are too many, the oldest are merged into `from`. */
export function seenMarksOf({epoch, loaded, seen_from, seen}: State): SeenMarks | null {
	return epoch === null || !loaded ? null : bounded({epoch, from: seen_from, marks: seen});
}

function bounded(given: SeenMarks): SeenMarks {
	if (given.marks.size <= maxMarks) return given;
	const byId = [...given.marks].sort(([, one], [, other]) => other - one);
	return {...given, from: Math.max(given.from, byId[maxMarks]?.[1] ?? 0), marks: new Map(byId.slice(0, maxMarks))};
}

/** Merges the marks of two screens: a message that was read on either was read. Marks of another database are ignored. */
export function mergedMarks(mine: SeenMarks, other: SeenMarks | null): SeenMarks {
	if (other === null || other.epoch !== mine.epoch) return mine;
	const marks = new Map(mine.marks);
	for (const [feed, id] of other.marks) marks.set(feed, Math.max(id, marks.get(feed) ?? 0));
	return bounded({...mine, from: Math.max(mine.from, other.from), marks});
}

/** The marks that are valid in a history which replaced theirs: messages after the common part are unread. */
export function marksIn({epoch, common}: Replaced, {from, marks}: SeenMarks): SeenMarks | null {
	if (common === null) return null;
	const capped = [...marks].map(([feed, id]): [FeedId, number] => [feed, Math.min(id, common)]);
	return {epoch, from: Math.min(from, common), marks: new Map(capped)};
}

/** What counts as read at the start: the stored marks or, without them, everything up to the newest id. */
export function readAtStart(
	kept: SeenMarks | null,
	epoch: string | null,
	newest: number,
): Pick<State, 'seen_from' | 'seen'> {
	if (kept === null || kept.epoch !== epoch) return {seen_from: newest, seen: new Map()};
	const marks = [...kept.marks].map(([feed, id]): [FeedId, number] => [feed, Math.min(id, newest)]);
	return {seen_from: Math.min(kept.from, newest), seen: new Map(marks)};
}
