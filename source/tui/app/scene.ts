import {p} from '../../printable.ts';
import type {HistoryStore} from '../../store/history-store.ts';
import type {State} from '../../store/state/state.ts';
import {completionList} from '../compose/completion-list.ts';
import {composeLine} from '../compose/compose-lines.ts';
import {layoutOf} from '../model/current-layout.ts';
import {draftsBeside} from '../model/draft.ts';
import {minColumns, minRows, type Layout} from '../model/layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import type {DrawInput, Ui} from '../model/ui.ts';
import {paneLines, paneParts} from '../panes/paint.ts';
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
import {paneChangesAt, surroundingsChangeAt} from '../view/next-change.ts';
import {statusLine} from '../view/status-line.ts';
import {topLine} from '../view/top-line.ts';

interface Shown extends DrawInput {
	readonly history: HistoryStore;
	/** The mailbox's name, shown after the program's. */
	readonly name: string;
}

/**
 * Returns what describes the frames. With `mayHold`, the panes stay as they are while a letter is written, and what came meanwhile is
 * left to the next frame.
 */
export function createScene({store, ui, name, now}: Omit<Surroundings, 'screen'>): SceneMaker {
	const cached = cachedPanes();
	let last: LastFrame | null = null;
	const current = (): Shown => ({state: store.getState(), ui: ui.getState(), now: now(), history: store.history, name});
	const describe = (mayHold = false): ReturnType<SceneMaker> => {
		const shown = current();
		const held = mayHold && last !== null && last.state !== shown.state && isDraftAlone(last, shown) ? last : null;
		const panes =
			held?.panes ?? shownPanes(shown.ui).map(({id, rect}) => ({rect, lines: cached.linesOf(shown, id, rect)}));
		last = {state: held?.state ?? shown.state, ui: shown.ui, now: shown.now, panes, changesAt: null};
		return {...scene(shown, panes), held: held !== null};
	};
	const isOutdated = (): boolean => {
		const shown = current();
		if (last === null || last.state !== shown.state || last.ui !== shown.ui) return true;
		last.changesAt ??= Math.min(surroundingsChangeAt({...shown, now: last.now}), cached.changeAt(shown));
		// The clock may have been set back.
		return shown.now < last.now || shown.now >= last.changesAt;
	};
	return Object.assign(describe, {prepare: () => cached.prepare(current()), isOutdated});
}

interface LastFrame {
	/** What the panes show. */
	readonly state: State;
	readonly ui: Ui;
	readonly now: number;
	readonly panes: readonly Region[];
	/** When the time alone may change it; null: not known yet. */
	changesAt: number | null;
}

/** Whether, of what a human does, nothing but the draft differs: messages that others wrote may. */
function isDraftAlone(one: LastFrame, {state, ui}: Shown): boolean {
	return (
		isSameBut(one.ui, ui) &&
		one.ui.compose.reply === ui.compose.reply &&
		one.state.pending === state.pending &&
		one.state.scrollbacks === state.scrollbacks &&
		// A draft that gets another line takes it from the panes.
		one.panes.every(({rect}, at) => rect === layoutOf(ui).panes[at]?.rect)
	);
}

/** The panes that are on the screen, none while something else is there. */
function shownPanes(ui: Ui): Layout['panes'] {
	const {kind, panes} = layoutOf(ui);
	return kind === 'tiny' || ui.timeline !== null ? [] : panes;
}

/** The whole screen: every region with its rectangle and lines. */
function scene(shown: Shown, paneRegions: readonly Region[]): Scene {
	const {state, ui, name, now} = shown;
	const {columns, rows} = ui;
	if (layoutOf(ui).kind === 'tiny') return {regions: [tooSmall(ui)], cursor: null};
	const {regions, cursor} =
		ui.timeline === null ? withCompose(shown, paneRegions) : {regions: [timeline(shown)], cursor: null};
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
function withCompose(drawn: DrawInput, paneRegions: readonly Region[]): Scene {
	const {rules, body, compose} = layoutOf(drawn.ui);
	const {columns} = drawn.ui;
	const {lines, cursor} = composeLine(drawn, compose);
	const completions = completionList(drawn, compose);
	return {
		regions: [
			...paneRegions,
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
	/** When the lines were made. */
	readonly at: number;
	/** When the time alone may change them; null: not known yet, because it is only needed if nothing else does. */
	changesAt: number | null;
}

/** A pane whose lines are being prepared. */
interface BegunPane {
	readonly state: State;
	readonly ui: Ui;
	readonly id: PaneId;
	readonly parts: Iterator<void>;
}

/** More than the number of panes that fit on a screen; each thread that was open counts as one. */
const maxCached = 50;

/** Milliseconds after which no further message or pane is laid out: a key may be waiting. */
const maxPart = 1.5;

interface CachedPanes {
	/** The lines of a pane. */
	readonly linesOf: PaneLines;
	/** Makes the lines of panes that have changed, for a short time, and returns whether there is more to do. */
	readonly prepare: (shown: Shown) => boolean;
	/** When the time alone may change the lines of the panes on the screen, in milliseconds since 1970. */
	readonly changeAt: (shown: Shown) => number;
}

type PaneLines = (drawn: DrawInput, id: PaneId, rect: Rect) => readonly PaintedLine[];

/** Reuses the lines of a pane while nothing that they depend on changes, for example while one writes. */
function cachedPanes(): CachedPanes {
	const known = new Map<PaneId, CachedPane>();
	let begun: BegunPane | null = null;
	const inputsOf = ({state, ui}: DrawInput, id: PaneId, {x, y, width, height}: Rect): readonly unknown[] => {
		return [state, layoutOf(ui), ui.compose.reply, draftsBeside(ui, id), loadedCount(), x, y, width, height];
	};
	const changesAt = (pane: CachedPane, shown: DrawInput, id: PaneId, rect: Rect): number =>
		(pane.changesAt ??= paneChangesAt({...shown, now: pane.at}, id, rect));
	const isCurrent = (pane: CachedPane, shown: DrawInput, id: PaneId, rect: Rect): boolean => {
		const {ui, now} = shown;
		const inputs = inputsOf(shown, id, rect);
		if (!isSameBut(pane.ui, ui) || inputs.some((input, at) => input !== pane.with[at])) return false;
		// Countdowns change every second.
		if (Math.floor(now / 1000) === Math.floor(pane.at / 1000)) return true;
		return now >= pane.at && now < changesAt(pane, shown, id, rect);
	};
	const linesOf: PaneLines = (drawn, id, rect) => {
		const {state, ui, now} = drawn;
		const last = known.get(id);
		if (last !== undefined && isCurrent(last, drawn, id, rect)) return last.lines;
		const lines = paneLines(state, ui, layoutOf(ui), id, rect, now);
		if (known.size > maxCached) known.clear();
		known.set(id, {ui, with: inputsOf(drawn, id, rect), lines, at: now, changesAt: null});
		return lines;
	};
	return {
		linesOf,
		prepare(shown) {
			const end = performance.now() + maxPart;
			const isOver = (): boolean => performance.now() >= end;
			for (const {id, rect} of shownPanes(shown.ui)) {
				const last = known.get(id);
				if (last !== undefined && isCurrent(last, shown, id, rect)) continue;
				if (begun?.state !== shown.state || begun.ui !== shown.ui || begun.id !== id) {
					const parts = paneParts(shown, layoutOf(shown.ui), id, rect)[Symbol.iterator]();
					begun = {state: shown.state, ui: shown.ui, id, parts};
				}
				while (begun.parts.next().done !== true) if (isOver()) return true;
				linesOf(shown, id, rect);
				begun = null;
				if (isOver()) return true;
			}
			return false;
		},
		changeAt: shown =>
			shownPanes(shown.ui).reduce((first, {id, rect}) => {
				const pane = known.get(id);
				return pane === undefined ? shown.now : Math.min(first, changesAt(pane, shown, id, rect));
			}, Infinity),
	};
}

/** Whether nothing differs except the draft. */
function isSameBut(one: Ui, other: Ui): boolean {
	return (Object.keys(other) as Array<keyof Ui>).every(key => key === 'compose' || one[key] === other[key]);
}
