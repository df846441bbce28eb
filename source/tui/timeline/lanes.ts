import {foldTag} from '../../mailbox/tag.ts';
import type {Mark} from '../../store/mark.ts';
import type {State} from '../../store/state/state.ts';

/**
 * The tags of all lanes, folded: those of `known` in their order, then new ones, the busiest first. Agents and the human have a
 * lane even without messages.
 */
export function laneOrder(state: State, marks: readonly Mark[], known: readonly string[]): readonly string[] {
	const has = new Set(known);
	const fresh = new Set<string>();
	const agents = [...state.agents.values()].filter(({revoked_at}) => revoked_at === null).map(({tag}) => tag);
	const own = state.identity === null ? [] : [state.identity.tag];
	for (const tag of [...agents, ...own]) if (!has.has(foldTag(tag))) fresh.add(foldTag(tag));
	for (const key of state.channels.keys()) if (!has.has(key)) fresh.add(key);
	if (fresh.size === 0) return known;
	const counts = new Map<string, number>();
	const count = (tag: string): unknown => counts.set(tag, (counts.get(tag) ?? 0) + 1);
	for (const {tag, mentions} of marks) {
		count(tag);
		mentions.forEach(count);
	}
	const last = (tag: string): number => state.channels.get(foldTag(tag))?.last_id ?? 0;
	const busiest = [...fresh].sort(
		(one, other) =>
			(counts.get(other) ?? 0) - (counts.get(one) ?? 0) || last(other) - last(one) || (one < other ? -1 : 1),
	);
	return [...known, ...busiest];
}

/** How lanes are laid out over rows. */
export interface LaneRows {
	/** Rows of each lane: messages in the first, tasks and presence in the others. */
	readonly height: number;
	/** How many lanes are shown at once. */
	readonly shown: number;
	/** The first lane that is shown: `top`, limited so that no rows are left empty. */
	readonly top: number;
}

const minHeight = 2;
const maxHeight = 4;

/** Makes lanes as tall as possible; starts at `top` if not all fit. Pure. */
export function laneRows(rows: number, count: number, top: number): LaneRows {
	const height = Math.max(minHeight, Math.min(maxHeight, Math.floor(rows / Math.max(1, count))));
	const shown = Math.max(1, Math.min(count, Math.floor(rows / height)));
	return {height, shown, top: Math.max(0, Math.min(top, count - shown))};
}

/** The number of rows for tasks in a lane: all but the first and, in a tall lane, the last. */
export function taskRows(height: number): number {
	return height >= 3 ? height - 2 : height - 1;
}
