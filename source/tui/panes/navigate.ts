import {foldTag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import {type Layout} from '../model/layout.ts';
import {agentsPane, hasMessages, tasksPane, type PaneId} from '../model/pane-id.ts';
import {agentOrder} from './agents.ts';
import {bodyRect} from './paint.ts';
import {lineWidth} from './channel.ts';
import {blocksOf, keyOf, positionOf, sourceOf, type Entry, type Source} from './source.ts';
import {taskList} from './task-rows.ts';
import {bottom, isAbove, revealed, scrolled, withBlockAtTop, topmost, type Blocks, type Position} from './viewport.ts';
import {following, viewName, viewOf, type Ui, type PaneView} from '../model/ui.ts';

/** A movement within a pane. */
export type Motion =
	| 'down'
	| 'up'
	| 'half_down'
	| 'half_up'
	| 'page_down'
	| 'page_up'
	| 'oldest'
	| 'newest'
	| 'wheel_down'
	| 'wheel_up';

/** Lines per step of the mouse wheel. */
const wheelLines = 3;

/** What to load after a motion: the next page at one end, or the oldest page. */
export type Wanted = 'older' | 'newer' | 'oldest' | null;

/** How many entries before either end of the loaded ones the next page is loaded. */
const ahead = 40;

/** The ui after a motion in the focused pane, and what to load. Pure. */
export function moved(state: State, ui: Ui, layout: Layout, motion: Motion): {ui: Ui; wants: Wanted} {
	const pane = ui.focus;
	if (pane === tasksPane) return {ui: withView(ui, pane, movedInTasks(state, ui, motion)), wants: null};
	if (pane === agentsPane) return {ui: withView(ui, pane, movedInAgents(state, ui, motion)), wants: null};
	const placed = layout.panes.find(({id}) => id === pane);
	if (placed === undefined) return {ui, wants: null};
	const rect = bodyRect(layout, ui, pane, placed.rect);
	const source = sourceOf(state, ui, pane);
	if (source.count === 0) return {ui, wants: source.atStart ? null : motion === 'oldest' ? 'oldest' : 'older'};
	const blocks = blocksOf(ui, source, lineWidth(rect));
	// One row is for the line that counts newer messages.
	const height = Math.max(1, rect.height - 1);
	const at = positionOf(ui, pane, source, blocks);
	const {selected} = viewOf(ui, pane);
	const chosen = selected === null ? -1 : source.indexOf(selected);

	let to = at;
	let select = chosen;
	switch (motion) {
		case 'newest':
			return {ui: withView(ui, pane, following), wants: null};
		case 'oldest':
			to = topmost(blocks, height);
			select = 0;
			break;
		case 'half_down':
		case 'half_up':
		case 'page_down':
		case 'page_up': {
			const lines = motion.startsWith('half') ? Math.floor(height / 2) : height - 1;
			to = scrolled(blocks, at, motion.endsWith('up') ? lines : -lines, height);
			select = -1;
			break;
		}
		case 'wheel_up':
		case 'wheel_down':
			to = scrolled(blocks, at, motion === 'wheel_up' ? wheelLines : -wheelLines, height);
			break;
		case 'up':
		case 'down': {
			const tall = chosen >= 0 && tallStep(chosen, motion);
			if (tall !== false) {
				to = tall;
				break;
			}
			const step = motion === 'up' ? -1 : 1;
			select = chosen < 0 ? at.index : Math.max(0, Math.min(source.count - 1, chosen + step));
			to = revealed(blocks, at, select, height);
		}
	}
	return {ui: withView(ui, pane, viewAt(source, blocks, to, select)), wants: wanted()};

	function wanted(): Wanted {
		if (motion === 'oldest') return source.atStart ? null : 'oldest';
		const top = select >= 0 ? Math.min(select, to.index) : to.index;
		if (!source.atStart && top < ahead) return 'older';
		return !source.atEnd && source.count - 1 - Math.max(select, to.index) < ahead ? 'newer' : null;
	}

	/** Within a message taller than the pane, the keys scroll before they leave it; false elsewhere. */
	function tallStep(index: number, direction: 'up' | 'down'): Position | false {
		if (blocks.heightOf(index) <= height) return false;
		const half = Math.max(1, Math.floor(height / 2));
		if (direction === 'down' && at.index === index && at.hidden > 0) {
			return scrolled(blocks, at, -Math.min(half, at.hidden), height);
		}
		const above = at.index === index ? blocks.heightOf(index) - at.hidden - height : 0;
		return direction === 'up' && above > 0 ? scrolled(blocks, at, Math.min(half, above), height) : false;
	}
}

/** Scrolls the focused pane so that the first message from an id on is at its top, and selects it. Pure. */
export function withMessageAtTop(state: State, ui: Ui, layout: Layout, id: number): Ui {
	const placed = layout.panes.find(pane => pane.id === ui.focus);
	if (placed === undefined) return ui;
	const rect = bodyRect(layout, ui, ui.focus, placed.rect);
	const source = sourceOf(state, ui, ui.focus);
	const index = source.indexOf(String(id));
	const entry = source.at(index);
	if (entry === undefined) return ui;
	const blocks = blocksOf(ui, source, lineWidth(rect));
	const to = withBlockAtTop(blocks, index, Math.max(1, rect.height - 1));
	return withView(ui, ui.focus, viewAt(source, blocks, to, index));
}

function viewAt(source: Source, blocks: Blocks, to: Position, select: number): PaneView {
	const entry = source.at(select);
	const end = source.atEnd && !isAbove(to, bottom(blocks));
	const anchored = source.at(to.index);
	return {
		anchor: end || anchored === undefined ? null : {key: keyOf(anchored), hidden: to.hidden},
		selected: entry === undefined ? null : keyOf(entry),
	};
}

/** Selects a message of a pane and scrolls it to the middle. Pure. */
export function withMessageCentred(state: State, ui: Ui, layout: Layout, pane: PaneId, id: number): Ui {
	const placed = layout.panes.find(each => each.id === pane);
	const source = sourceOf(state, ui, pane);
	const index = source.indexOf(String(id));
	if (placed === undefined || index < 0) return ui;
	const rect = bodyRect(layout, ui, pane, placed.rect);
	const blocks = blocksOf(ui, source, lineWidth(rect));
	const height = Math.max(1, rect.height - 1);
	const room = height - blocks.heightOf(index);
	const to =
		room <= 0
			? revealed(blocks, {index, hidden: 1}, index, height)
			: scrolled(blocks, {index, hidden: 0}, -Math.floor(room / 2), height);
	return withView(ui, pane, viewAt(source, blocks, to, index));
}

function movedInTasks(state: State, ui: Ui, motion: Motion): PaneView {
	const keys = taskList(state).order.map(({id}) => String(id));
	return {anchor: null, selected: movedInList(keys, viewOf(ui, tasksPane).selected, motion)};
}

function movedInAgents(state: State, ui: Ui, motion: Motion): PaneView {
	const keys = agentOrder(state).map(({tag}) => foldTag(tag));
	return {anchor: null, selected: movedInList(keys, viewOf(ui, agentsPane).selected, motion)};
}

const steps: Record<Motion, number> = {
	down: 1,
	up: -1,
	half_down: 5,
	half_up: -5,
	page_down: 10,
	page_up: -10,
	oldest: -Infinity,
	newest: Infinity,
	wheel_down: 1,
	wheel_up: -1,
};

/** The selected key after a motion in a list. */
function movedInList(keys: readonly string[], selected: string | null, motion: Motion): string | null {
	const chosen = selected === null ? -1 : keys.indexOf(selected);
	const to = chosen < 0 && steps[motion] > 0 && motion !== 'newest' ? 0 : chosen + steps[motion];
	return keys[Math.max(0, Math.min(keys.length - 1, to))] ?? null;
}

/** Scrolls a pane to its selected entry. Pure. */
export function withSelectionVisible(state: State, ui: Ui, layout: Layout, pane: PaneId): Ui {
	const placed = layout.panes.find(({id}) => id === pane);
	const {selected} = viewOf(ui, pane);
	if (placed === undefined || selected === null) return ui;
	const source = sourceOf(state, ui, pane);
	const index = source.indexOf(selected);
	if (index < 0) return ui;
	const rect = bodyRect(layout, ui, pane, placed.rect);
	const blocks = blocksOf(ui, source, lineWidth(rect));
	const to = revealed(blocks, positionOf(ui, pane, source, blocks), index, Math.max(1, rect.height - 1));
	const anchored = source.at(to.index);
	const end = anchored === undefined || (source.atEnd && !isAbove(to, bottom(blocks)));
	return withView(ui, pane, {selected, anchor: end ? null : {key: keyOf(anchored), hidden: to.hidden}});
}

export function withView(ui: Ui, pane: PaneId, view: PaneView): Ui {
	return {...ui, views: new Map(ui.views).set(viewName(ui, pane), view)};
}

/** The entry that the keys act on: the selected one, or else the newest. */
export function currentEntry(state: State, ui: Ui): Entry | undefined {
	const source = sourceOf(state, ui, ui.focus);
	const {selected} = viewOf(ui, ui.focus);
	const index = selected === null ? source.count - 1 : source.indexOf(selected);
	return source.at(index);
}

/** The id of the newest message if the focused pane shows it at its bottom; otherwise 0. */
export function newestSeen(state: State, ui: Ui): number {
	if (!hasMessages(ui.focus) || viewOf(ui, ui.focus).anchor !== null || ui.threads.has(ui.focus)) return 0;
	const source = sourceOf(state, ui, ui.focus);
	if (!source.atEnd) return 0;
	for (let index = source.count - 1; index >= 0; index--) {
		const entry = source.at(index);
		if (entry?.kind === 'message') return entry.message.id;
	}
	return 0;
}
