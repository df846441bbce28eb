import type {Action} from '../settings/actions.ts';

const lines: {readonly [Name in Action]?: number} = {
	down: 1,
	up: -1,
	half_down: 8,
	half_up: -8,
	page_down: 16,
	page_up: -16,
	oldest: -Infinity,
	newest: Infinity,
};

/** By how many lines an action scrolls a card; undefined if it does not scroll. */
export function linesScrolledBy(action: Action | undefined): number | undefined {
	return action === undefined ? undefined : lines[action];
}
