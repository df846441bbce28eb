import {foldTag} from '../../mailbox/tag.ts';
import type {Mark} from '../../store/mark.ts';
import type {State} from '../../store/state.ts';

/**
 * Every tag that is known, folded: those of `known` as they are, then the new ones, the busiest first. Agents and whoever the
 * mailbox belongs to have a lane even when they said nothing.
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
	/** The first one, so that `top` is as far down as it may be. */
	readonly top: number;
}

const minHeight = 2;
const maxHeight = 4;

/** Lanes as tall as there is room for; from `top` where there is not room for all. Pure. */
export function laneRows(rows: number, count: number, top: number): LaneRows {
	const height = Math.max(minHeight, Math.min(maxHeight, Math.floor(rows / Math.max(1, count))));
	const shown = Math.max(1, Math.min(count, Math.floor(rows / height)));
	return {height, shown, top: Math.max(0, Math.min(top, count - shown))};
}

/** Rows of a lane in which tasks stand: all but the first, and the last where it may be empty. */
export function taskRows(height: number): number {
	return height >= 3 ? height - 2 : height - 1;
}
