import {foldTag} from '../../mailbox/tag.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {layoutOf} from '../model/current-layout.ts';
import type {Action, KeyScope} from '../settings/actions.ts';
import type {Layout} from '../model/layout.ts';
import type {PaneId} from '../model/pane-id.ts';
import {loadShown} from '../panes/load-shown.ts';
import {moved, withView} from '../panes/navigate.ts';
import {lineWidth} from '../panes/channel.ts';
import {paneName} from '../panes/header.ts';
import {bodyRect} from '../panes/paint.ts';
import {blocksOf, keyOf, positionOf, sourceOf} from '../panes/source.ts';
import {visibleSlots} from '../panes/viewport.ts';
import type {Rect} from '../screen/grid.ts';
import type {Report} from '../terminal/report.ts';
import {following, viewOf, type UiStore} from '../model/ui.ts';

export type MouseReport = Extract<Report, {type: 'mouse'}>;

interface PointerOptions {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** The glyphs of a row of the screen, one per column. */
	readonly rowOf: (y: number) => readonly string[];
	/** Actions that keys have, too. */
	readonly act: {
		focus(pane: PaneId): void;
		open(): void;
		compose(): void;
		press(key: string): void;
	};
}

/** The maximum time between the two clicks of a double click, in milliseconds. */
const doubleClick = 400;

/** Turns the mouse on or off; run/start.tsx sets the terminal's mode. */
export function toggleMouse(ui: UiStore): void {
	const {mouse: before, keymap} = ui.getState();
	const mouse = !before;
	const notice = mouse
		? `The mouse is on; shift-drag selects text. ${keymap.keyFor('mouse')} turns it off.`
		: 'The mouse is off.';
	ui.setState({mouse, notice});
}

/** Handles clicks and the wheel. They do what keys do, where the pointer is. */
export function createPointer({store, ui, rowOf, act}: PointerOptions): (report: MouseReport) => void {
	let last = {at: -Infinity, target: ''};

	function press(x: number, y: number): void {
		const now = ui.getState();
		const layout = layoutOf(now);
		if (now.overlay !== null || now.timeline !== null || layout.kind === 'tiny') return;
		if (y === 0) {
			const pane = tabAt(x);
			if (pane !== undefined) act.focus(pane);
			return;
		}
		if (isIn(layout.compose, x, y)) return now.mode === 'read' ? act.compose() : undefined;
		const pane = layout.panes.find(({rect}) => isIn(rect, x, y));
		if (pane === undefined) return;
		const target = targetAt(layout, pane.id, pane.rect, y);
		const isDouble = target !== null && target === last.target && performance.now() - last.at < doubleClick;
		last = {at: performance.now(), target: target ?? ''};
		ui.setState({mode: 'read'});
		act.focus(pane.id);
		if (target === below) {
			ui.setState(current => withView(current, pane.id, following));
			loadShown({store, ui}, pane.id, null);
		} else if (target !== null) {
			ui.setState(current => withView(current, pane.id, {...viewOf(current, pane.id), selected: target}));
			if (isDouble) act.open();
		}
	}

	/** The pane whose tab is at this column of the first row, by the name read from the screen. */
	function tabAt(x: number): PaneId | undefined {
		const glyphs = rowOf(0);
		const wordAt = (from: number): {word: string; end: number} => {
			let [start, end] = [from, from];
			while (start > 0 && glyphs[start - 1] !== ' ') start--;
			while (end < glyphs.length && glyphs[end] !== ' ') end++;
			return {word: glyphs.slice(start, end).join(''), end};
		};
		let {word, end} = wordAt(glyphs[x] === ' ' ? x + 1 : x);
		// The number is before the name.
		if (/^\d$/.test(word)) ({word, end} = wordAt(end + 1));
		const name = foldTag(word.replace(/·\d+$/, ''));
		return layoutOf(ui.getState()).order.find(id => foldTag(paneName(store.getState(), id)) === name);
	}

	/** The key of the entry in this row, or `below` for the line that counts newer ones; null for neither. */
	function targetAt(layout: Layout, pane: PaneId, rect: Rect, y: number): string | null {
		const now = ui.getState();
		const body = bodyRect(layout, now, pane, rect);
		const source = sourceOf(store.getState(), now, pane);
		if (source.count === 0 || y < body.y) return null;
		const blocks = blocksOf(now, source, lineWidth(body));
		const at = positionOf(now, pane, source, blocks);
		const isUp = viewOf(now, pane).anchor !== null && (at.index < source.count - 1 || at.hidden > 0 || !source.atEnd);
		if (isUp && y === body.y + body.height - 1) return below;
		const height = body.height - (isUp ? 1 : 0);
		const slots = visibleSlots(blocks, at, height);
		const slot = slots[y - body.y - (height - slots.length)];
		const entry = slot === undefined ? undefined : source.at(slot.index);
		return entry === undefined ? null : keyOf(entry);
	}

	function wheel(x: number, y: number, up: boolean): void {
		const now = ui.getState();
		if (now.overlay !== null) {
			if (now.overlay.scope === 'panel') return pressFor('panel', up ? 'panel_previous' : 'panel_next');
			return pressFor('read', up ? 'up' : 'down');
		}
		if (now.timeline !== null) return pressFor('timeline', up ? 'timeline_earlier' : 'timeline_later');
		const layout = layoutOf(now);
		const pane = layout.panes.find(({rect}) => isIn(rect, x, y));
		if (pane === undefined) return;
		const next = moved(store.getState(), {...now, focus: pane.id}, layout, up ? 'wheel_up' : 'wheel_down');
		ui.setState({views: next.ui.views});
		loadShown({store, ui}, pane.id, next.wants);
	}

	function pressFor(scope: KeyScope, action: Action): void {
		const key = ui.getState().keymap.firstKey(scope, action);
		if (key !== undefined) act.press(key);
	}

	return ({what, x, y}) => {
		if (what === 'press') press(x, y);
		else wheel(x, y, what === 'wheel_up');
	};
}

/** Not the key of any entry. */
const below = ' below';

function isIn(rect: Rect, x: number, y: number): boolean {
	return x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
}
