import {numbersOf, type Arrangement} from './arrangement.ts';
import {agentsPane, isChannelPane, tasksPane, welcomePane, type PaneId} from './pane-id.ts';
import type {Rect} from '../screen/grid.ts';

interface PlacedPane {
	readonly id: PaneId;
	/** Includes the header row, if there is one. */
	readonly rect: Rect;
}

export interface Layout {
	/** `single`: one pane without a header, the others as tabs. `tiny`: only room for one sentence. */
	readonly kind: 'wide' | 'single' | 'tiny';
	/** In screen order. */
	readonly panes: readonly PlacedPane[];
	/** The panes that another pane may replace: all but those in the side column. */
	readonly mainPanes: readonly PaneId[];
	/** There is room for one more. */
	readonly hasRoom: boolean;
	/** Every pane, hidden ones too, by number. */
	readonly order: readonly PaneId[];
	readonly numbers: ReadonlyMap<PaneId, number>;
	/** The panes shown only by name, in the first row. */
	readonly tabs: readonly PaneId[];
	/** Columns of the thin lines between panes. */
	readonly rules: readonly number[];
	/** The panes' rows. */
	readonly body: Rect;
	readonly compose: Rect;
}

export const minColumns = 40;
export const minRows = 10;
/** From this width on, tasks and agents have a side column. */
const wideColumns = 100;
/** From this width on, panes are stacked if the screen is high enough. */
const stackColumns = 80;
const minWidth = 50;
/** Rows of a stacked pane: on wide screens, and where there is only one column. */
const minHeight = 20;
const minStacked = 18;
const maxPanes = 6;

export interface LayoutInput {
	readonly columns: number;
	readonly rows: number;
	readonly arrangement: Arrangement;
	readonly focus: PaneId;
	/** Lines of the draft. */
	readonly draftLines: number;
}

/** Lays out a terminal of this size. Pure. */
export function layout({columns, rows, arrangement, focus, draftLines}: LayoutInput): Layout {
	const draft = Math.max(1, Math.min(draftLines, Math.floor(rows / 3)));
	// The rows are: top line, panes, rule, draft, status line.
	const body: Rect = {x: 0, y: 1, width: columns, height: Math.max(0, rows - 3 - draft)};
	const compose: Rect = {x: 0, y: rows - 1 - draft, width: columns, height: draft};
	const {order, hidden} = arrangement;
	const base = {body, compose, rules: [], order, numbers: numbersOf(arrangement), hasRoom: false};
	if (columns < minColumns || rows < minRows) {
		return {...base, kind: 'tiny', panes: [], mainPanes: [], order: [], numbers: new Map(), tabs: []};
	}
	// The number of panes does not depend on the height of the draft.
	const side = columns < wideColumns ? [] : [tasksPane, agentsPane].filter(id => !hidden.has(id));
	const split = splitOf(columns, rows - 4, side.length > 0);
	const tabs = order.filter(id => !hidden.has(id));
	if (split === null) {
		const id = order.includes(focus) ? focus : firstPane(tabs);
		return {...base, kind: 'single', panes: [{id, rect: body}], mainPanes: [id], tabs};
	}
	const {mainPanes, hasRoom} = chooseMainPanes(arrangement, focus, split.columns * split.rows, columns >= wideColumns);
	const panes = arrangement.zoomed
		? [{id: order.includes(focus) ? focus : firstPane(mainPanes), rect: body}]
		: [...placeMainPanes(mainPanes, split.columns, body, side), ...placeSidePanes(side, focus, body)];
	const shown = new Set(panes.map(({id}) => id));
	return {
		...base,
		kind: 'wide',
		panes,
		mainPanes,
		hasRoom,
		tabs: tabs.filter(id => !shown.has(id)),
		rules: [...new Set(panes.map(({rect}) => rect.x - 1).filter(x => x >= 0))],
	};
}

function firstPane(panes: readonly PaneId[]): PaneId {
	return isChannelPane(panes[0] ?? welcomePane) ? (panes[0] ?? welcomePane) : welcomePane;
}

interface Split {
	/** How many panes fit next to each other, not counting the side column, and how many above each other. */
	readonly columns: number;
	readonly rows: number;
}

/** How the screen is split; null if it shows one pane. `height`: rows of the body when the draft has one line. */
function splitOf(columns: number, height: number, hasSide: boolean): Split | null {
	if (columns >= wideColumns) {
		const room = hasSide ? columns - sideWidth(columns) : columns;
		return {
			columns: Math.max(1, Math.floor(room / (minWidth + 1))),
			rows: Math.max(1, Math.floor(height / minHeight)),
		};
	}
	const rows = Math.floor(height / minStacked);
	return columns >= stackColumns && rows > 1 ? {columns: 1, rows} : null;
}

/** Which panes are on the screen, and whether there is room for one more. */
function chooseMainPanes(
	{order, onScreen, hidden, pinned, own}: Arrangement,
	focus: PaneId,
	fitting: number,
	hasSide: boolean,
): {mainPanes: readonly PaneId[]; hasRoom: boolean} {
	const known = new Set(order);
	const isShownByDefault = (id: PaneId): boolean => (isChannelPane(id) && id !== own) || (id === tasksPane && !hasSide);
	const isAtSide = (id: PaneId): boolean => hasSide && (id === tasksPane || id === agentsPane);
	const wanted = [...new Set([...onScreen, ...pinned, ...order.filter(isShownByDefault)])].filter(
		id => known.has(id) && !hidden.has(id) && !isAtSide(id),
	);
	const capacity = Math.min(maxPanes, fitting);
	let room = capacity - wanted.filter(id => pinned.has(id)).length;
	const visible = wanted.filter(id => pinned.has(id) || room-- > 0).slice(0, capacity);
	const hasRoom = visible.length < capacity;
	if (known.has(focus) && !visible.includes(focus) && !isAtSide(focus)) {
		if (hasRoom) visible.push(focus);
		else
			visible[
				Math.max(
					0,
					visible.findLastIndex(id => !pinned.has(id)),
				)
			] = focus;
	}
	return {mainPanes: visible.length === 0 ? [welcomePane] : visible, hasRoom};
}

/** Equally wide columns of panes, filled row by row, so that another pane only changes the column it joins. */
function placeMainPanes(
	mainPanes: readonly PaneId[],
	maxColumns: number,
	body: Rect,
	side: readonly PaneId[],
): PlacedPane[] {
	const columns = Math.min(mainPanes.length, maxColumns);
	const total = side.length > 0 ? body.width - sideWidth(body.width) - 1 : body.width;
	const rects = new Map<PaneId, Rect>();
	let x = 0;
	for (const [column, width] of equalShares(total - (columns - 1), columns).entries()) {
		const stack = mainPanes.filter((_, index) => index % columns === column);
		let {y} = body;
		for (const [row, height] of equalShares(body.height, stack.length).entries()) {
			rects.set(stack[row] ?? welcomePane, {x, y, width, height});
			y += height;
		}
		x += width + 1;
	}
	return mainPanes.map(id => ({id, rect: rects.get(id) ?? body}));
}

/** Splits a number into equal shares; the first ones get the remainder. */
function equalShares(total: number, count: number): number[] {
	return Array.from({length: count}, (_, index) => Math.floor(total / count) + (index < total % count ? 1 : 0));
}

function placeSidePanes(side: readonly PaneId[], focus: PaneId, body: Rect): PlacedPane[] {
	const width = sideWidth(body.width);
	const x = body.width - width;
	const [first, second] = side;
	if (first === undefined) return [];
	const whole = {...body, x, width};
	if (second === undefined) return [{id: first, rect: whole}];
	if (body.height < 14) return [{id: focus === second ? second : first, rect: whole}];
	const height = Math.max(5, Math.min(18, Math.floor(body.height / 3)));
	return [
		{id: first, rect: {...whole, height: body.height - height}},
		{id: second, rect: {...whole, y: body.y + body.height - height, height}},
	];
}

function sideWidth(columns: number): number {
	return Math.max(30, Math.min(52, Math.round(columns * 0.26)));
}
