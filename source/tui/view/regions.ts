import type {State} from '../../store/state.ts';
import {layoutOf} from '../model/current-layout.ts';
import {arrivals} from '../screen/lazy.ts';
import type {PaneId} from '../model/pane-id.ts';
import {paneLines} from '../panes/paint.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {statusLine} from './status-line.ts';
import {topLine} from './top-line.ts';
import type {Ui} from '../model/ui.ts';

/** What a part of the screen is drawn from. */
interface RegionContext {
	readonly state: State;
	readonly ui: Ui;
	/** What stands beside the program's name. */
	readonly name: string;
	/** Milliseconds since 1970. */
	readonly now: number;
}

/** A part of the screen as lines, whoever brings them there: the screen paints them, or Ink renders them as text. */
export type Region = (drawn: RegionContext, rect: Rect) => readonly PaintedLine[];

export const topBar: Region = ({state, ui, name, now}) => [{strip: topLine(state, ui, name, now)}];

export const statusBar: Region = ({state, ui}) => [{strip: statusLine(state, ui)}];

/** The lines of a pane; the same as before while nothing that they are made of has changed, as while one writes. */
export function pane(id: PaneId): Region {
	let last: {
		readonly drawn: RegionContext;
		readonly with: readonly unknown[];
		readonly lines: readonly PaintedLine[];
	} | null = null;
	return (drawn, rect) => {
		const {state, ui, now} = drawn;
		const layout = layoutOf(ui);
		const {x, y, width, height} = rect;
		// What counts down does so by the second.
		const made = [state, layout, ui.compose.reply, Math.floor(now / 1000), arrivals(), x, y, width, height];
		if (last === null || !isSameBut(last.drawn.ui, ui) || made.some((part, at) => part !== last?.with[at])) {
			last = {drawn, with: made, lines: paneLines(state, ui, layout, id, rect, now)};
		}
		return last.lines;
	};
}

/** Whether nothing differs but the draft. */
function isSameBut(one: Ui, other: Ui): boolean {
	return (Object.keys(other) as Array<keyof Ui>).every(key => key === 'compose' || one[key] === other[key]);
}
