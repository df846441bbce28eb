import {p} from '../../printable.ts';
import type {HistoryStore} from '../../store/history-store.ts';
import {completionList} from '../compose/completion-list.ts';
import {composeLine} from '../compose/compose-lines.ts';
import {layoutOf} from '../model/current-layout.ts';
import {minColumns, minRows} from '../model/layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import type {DrawInput, Ui} from '../model/ui.ts';
import {paneLines} from '../panes/paint.ts';
import type {PaintedLine, Region, Rect, Scene} from '../screen/grid.ts';
import {loadedCount} from '../screen/lazy.ts';
import {memo} from '../screen/memo.ts';
import type {SceneMaker} from '../screen/screen.ts';
import {strip} from '../screen/strip.ts';
import {plain} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {theme} from '../settings/theme.ts';
import {timelineLines} from '../timeline/lines.ts';
import type {Surroundings} from '../view/context.ts';
import {statusLine} from '../view/status-line.ts';
import {topLine} from '../view/top-line.ts';

/** Makes the lines of a pane. */
type PaintPane = (drawn: DrawInput, id: PaneId, rect: Rect) => readonly PaintedLine[];

interface Shown extends DrawInput {
	readonly history: HistoryStore;
	/** The mailbox's name, shown after the program's. */
	readonly name: string;
}

/**
 * Returns a function that describes the current frame. With `mayHold`, a letter that is written is described alone, and what came
 * meanwhile is left to the next frame.
 */
export function createScene({store, ui, name, now}: Omit<Surroundings, 'screen'>): SceneMaker {
	const paint = cachedPanes();
	let last: Pick<Shown, 'state' | 'ui'> | null = null;
	return (mayHold = false) => {
		const current = {state: store.getState(), ui: ui.getState()};
		const held = mayHold && last !== null && isDraftAlone(last, current) ? last.state : null;
		last = {state: held ?? current.state, ui: current.ui};
		return {
			...scene({...last, now: now(), history: store.history, name}, paint),
			held: last.state !== current.state,
		};
	};
}

/** Whether, of what a human does, nothing but the draft differs: messages that others wrote may. */
function isDraftAlone(one: Pick<Shown, 'state' | 'ui'>, other: Pick<Shown, 'state' | 'ui'>): boolean {
	return (
		isSameBut(one.ui, other.ui) &&
		one.ui.compose.reply === other.ui.compose.reply &&
		one.state.pending === other.state.pending &&
		one.state.scrollbacks === other.state.scrollbacks
	);
}

/** The whole screen: every region with its rectangle and lines. */
function scene(shown: Shown, paint: PaintPane): Scene {
	const {state, ui, name, now} = shown;
	const {columns, rows} = ui;
	if (layoutOf(ui).kind === 'tiny') return {regions: [tooSmall(ui)], cursor: null};
	const {regions, cursor} = ui.timeline === null ? panes(shown, paint) : {regions: [timeline(shown)], cursor: null};
	const over = ui.overlay?.draw(shown) ?? null;
	return {
		regions: [
			{rect: {x: 0, y: 0, width: columns, height: 1}, lines: [{strip: topLine(state, ui, name, now)}]},
			...regions,
			{rect: {x: 0, y: rows - 1, width: columns, height: 1}, lines: [{strip: statusLine(state, ui)}]},
			...(over === null ? [] : [over]),
		],
		cursor: ui.overlay === null ? cursor : (over?.cursor ?? null),
	};
}

/** The panes and the compose line below them. */
function panes(drawn: DrawInput, paint: PaintPane): Scene {
	const {panes: placed, rules, body, compose} = layoutOf(drawn.ui);
	const {columns} = drawn.ui;
	const {lines, cursor} = composeLine(drawn, compose);
	const completions = completionList(drawn, compose);
	return {
		regions: [
			...placed.map(({id, rect}) => ({rect, lines: paint(drawn, id, rect)})),
			...rules.map(x => rule({...body, x, width: 1}, p`│`)),
			rule({x: 0, y: compose.y - 1, width: columns, height: 1}, p`─`.repeat(columns)),
			{rect: compose, lines},
			...(completions === null ? [] : [completions]),
		],
		cursor,
	};
}

/** Rules by their text: a line that is the same object as in the last frame is not drawn again. */
const ruleLine = memo(20, (text: ReturnType<typeof p>): PaintedLine => ({strip: strip([{text, style: theme.rule}])}));

/** A region with the same text in each row. */
function rule(rect: Rect, text: ReturnType<typeof p>): Region {
	const line = ruleLine(text);
	return {rect, lines: Array.from({length: rect.height}, () => line)};
}

function timeline({state, ui, history, now}: Shown): Region {
	const {timeline: view, columns, rows} = ui;
	const rect = {x: 0, y: 1, width: columns, height: Math.max(0, rows - 2)};
	return {rect, lines: view === null ? [] : timelineLines(state, history, ui, view, rect, now)};
}

function tooSmall({columns, rows}: Ui): Region {
	const text = p`agentmux needs at least ${minColumns}x${minRows}; this terminal is ${columns}x${rows}`;
	const lines = wrap(strip([{text, style: plain}]), columns);
	return {rect: {x: 0, y: 0, width: columns, height: rows}, lines: lines.map(line => ({strip: line}))};
}

interface CachedPane {
	readonly ui: Ui;
	readonly with: readonly unknown[];
	readonly lines: readonly PaintedLine[];
}

/** More than the number of panes that fit on a screen; each thread that was open counts as one. */
const maxCached = 50;

/** Reuses the lines of a pane while nothing that they depend on changes, for example while one writes. */
function cachedPanes(): PaintPane {
	const known = new Map<PaneId, CachedPane>();
	return ({state, ui, now}, id, rect) => {
		const layout = layoutOf(ui);
		const {x, y, width, height} = rect;
		// Countdowns change every second.
		const made = [state, layout, ui.compose.reply, Math.floor(now / 1000), loadedCount(), x, y, width, height];
		const last = known.get(id);
		if (last !== undefined && isSameBut(last.ui, ui) && made.every((part, at) => part === last.with[at])) {
			return last.lines;
		}
		const lines = paneLines(state, ui, layout, id, rect, now);
		if (known.size > maxCached) known.clear();
		known.set(id, {ui, with: made, lines});
		return lines;
	};
}

/** Whether nothing differs except the draft. */
function isSameBut(one: Ui, other: Ui): boolean {
	return (Object.keys(other) as Array<keyof Ui>).every(key => key === 'compose' || one[key] === other[key]);
}
