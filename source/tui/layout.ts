import {allFeed, inboxFeed} from '../store/feed.ts';
import type {Rect} from './screen/grid.ts';

/** A pane's name: a folded tag, or one of those below (no tag has such a name). */
export type PaneId = string;
/** These two are called as the feeds that they show. */
export const allPane: PaneId = allFeed;
export const inboxPane: PaneId = inboxFeed;
export const tasksPane: PaneId = '#tasks';
export const agentsPane: PaneId = '#agents';
/** What stands where no channel is yet. */
export const welcomePane: PaneId = '#welcome';

interface PlacedPane {
	readonly id: PaneId;
	/** Header row included, where there is one. */
	readonly rect: Rect;
}

export interface Layout {
	/** `tiny`: too small for anything but a sentence. */
	readonly kind: 'wide' | 'single' | 'tiny';
	readonly panes: readonly PlacedPane[];
	/** In the order of the number keys and of Tab, hidden ones last. */
	readonly order: readonly PaneId[];
	/** Columns of the thin lines between panes. */
	readonly rules: readonly number[];
	/** The panes' rows. */
	readonly body: Rect;
	readonly compose: Rect;
}

export const leastColumns = 40;
export const leastRows = 10;
const wideColumns = 100;
const leastChannel = 50;

export interface LayoutInput {
	readonly columns: number;
	readonly rows: number;
	/** Folded tags in the order in which they get a pane. */
	readonly channels: readonly PaneId[];
	readonly focus: PaneId;
	/** Lines of the draft. */
	readonly draftLines: number;
}

/** How many channels stand side by side. */
export function channelCapacity(columns: number): number {
	if (columns < wideColumns) return 1;
	return Math.max(1, Math.floor((columns - tasksWidth(columns)) / (leastChannel + 1)));
}

/** Where everything stands on a terminal of this size. Pure. */
export function layout({columns, rows, channels, focus, draftLines}: LayoutInput): Layout {
	const draft = Math.max(1, Math.min(draftLines, Math.floor(rows / 3)));
	// First row, panes, thin line, draft, keys.
	const body: Rect = {x: 0, y: 1, width: columns, height: Math.max(0, rows - 3 - draft)};
	const compose: Rect = {x: 0, y: rows - 1 - draft, width: columns, height: draft};
	const base = {body, compose, rules: []};
	if (columns < leastColumns || rows < leastRows) return {...base, kind: 'tiny', panes: [], order: []};

	if (columns < wideColumns) {
		const order = [...channels, tasksPane];
		const shown = order.includes(focus) ? focus : (channels[0] ?? welcomePane);
		return {...base, kind: 'single', panes: [{id: shown, rect: body}], order};
	}

	const capacity = channelCapacity(columns);
	const visible = channels.length === 0 ? [welcomePane] : channels.slice(0, capacity);
	const tasks = tasksWidth(columns);
	const room = columns - tasks - visible.length;
	const panes: PlacedPane[] = [];
	const rules: number[] = [];
	let x = 0;
	visible.forEach((id, index) => {
		const width = Math.floor(room / visible.length) + (index < room % visible.length ? 1 : 0);
		panes.push({id, rect: {...body, x, width}});
		rules.push(x + width);
		x += width + 1;
	});
	panes.push({id: tasksPane, rect: {...body, x, width: columns - x}});
	const named = visible.filter(id => id !== welcomePane);
	return {...base, kind: 'wide', panes, rules, order: [...named, tasksPane, ...channels.slice(capacity)]};
}

function tasksWidth(columns: number): number {
	return Math.max(30, Math.min(52, Math.round(columns * 0.26)));
}
