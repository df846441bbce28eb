import type {State} from '../../store/state/state.ts';
import {numberKey} from '../model/arrangement.ts';
import {type Layout} from '../model/layout.ts';
import {agentsPane, hasMessages, tasksPane, welcomePane, type PaneId} from '../model/pane-id.ts';
import {agentsLines} from './agents.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {strip} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import type {DrawInput, Ui} from '../model/ui.ts';
import {p} from '../../printable.ts';
import {centred, channelLines, channelParts} from './channel.ts';
import {headerLine} from './header.ts';
import {sourceOf} from './source.ts';
import {tasksLines} from './tasks.ts';
import {welcomeLines} from './welcome.ts';

/** Whether the pane has a header row: on wide screens, or if it is a thread or filtered. */
export function hasHeader(layout: Layout, ui: Ui, pane: PaneId): boolean {
	return pane !== welcomePane && (layout.kind === 'wide' || ui.threads.has(pane) || ui.filters.has(pane));
}

/** The rows of a pane below its header. */
export function bodyRect(layout: Layout, ui: Ui, pane: PaneId, rect: Rect): Rect {
	const top = hasHeader(layout, ui, pane) ? 1 : 0;
	return {...rect, y: rect.y + top, height: Math.max(0, rect.height - top)};
}

/** All lines of a pane, including its header. */
export function paneLines(state: State, ui: Ui, layout: Layout, pane: PaneId, rect: Rect, now: number): PaintedLine[] {
	const body = bodyRect(layout, ui, pane, rect);
	const lines = bodyLinesOf(state, ui, pane, body, now);
	if (!hasHeader(layout, ui, pane)) return lines;
	return [headerLine(state, ui, pane, numberKey(layout.numbers.get(pane)), rect.width, now), ...lines];
}

/** Does what `paneLines` would need long for, in parts. */
export function paneParts(drawn: DrawInput, layout: Layout, pane: PaneId, rect: Rect): Iterable<void> {
	const {state, ui, now} = drawn;
	return hasMessages(pane) ? channelParts(state, ui, pane, bodyRect(layout, ui, pane, rect), now) : [];
}

function bodyLinesOf(state: State, ui: Ui, pane: PaneId, rect: Rect, now: number): PaintedLine[] {
	if (pane === welcomePane) return welcomeLines(state, ui, rect);
	if (pane === tasksPane) return tasksLines(state, ui, rect, now);
	if (pane === agentsPane) return agentsLines(state, ui, rect, now);
	const source = sourceOf(state, ui, pane);
	if (source.count === 0) {
		const isFiltered = ui.filters.has(pane) && !ui.threads.has(pane);
		const nothing = isFiltered ? p`nothing matches the filter` : p`no messages yet`;
		const words = state.loaded && source.atStart ? nothing : p`reading`;
		return centred([strip([{text: words, style: theme.faint}])], rect);
	}
	return channelLines(state, ui, pane, rect, now);
}
