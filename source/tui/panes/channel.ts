import type {Keymap} from '../settings/keymap.ts';
import type {State} from '../../store/state/state.ts';
import {withMatchesHighlighted} from '../model/matches.ts';
import type {PaneId} from '../model/pane-id.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {clip, joinStrips, strip, type Strip} from '../screen/strip.ts';
import {selectedTint, tagStyle, theme} from '../settings/theme.ts';
import {viewOf, type Ui} from '../model/ui.ts';
import {newLineAfter} from '../model/unread.ts';
import {counted} from '../settings/words.ts';
import {joinPrintable, p, type Printable} from '../../printable.ts';
import {messageHead, pendingHead} from './message-block.ts';
import {blocksOf, bodyOf, indentOf, keyOf, positionOf, sourceOf, type Entry} from './source.ts';
import {visibleSlots} from './viewport.ts';

/** Blank columns at both sides of a pane. */
const margin = 1;
const nothing: Strip = strip([]);

/** The width of a pane's lines. */
export function lineWidth(rect: Rect): number {
	return Math.max(4, rect.width - 2 * margin);
}

/** The visible lines of a channel or thread, newest at the bottom. `now`: milliseconds since 1970. */
export function channelLines(state: State, ui: Ui, pane: PaneId, rect: Rect, now: number): PaintedLine[] {
	const width = lineWidth(rect);
	const source = sourceOf(state, ui, pane);
	const blocks = blocksOf(ui, source, width);
	const at = positionOf(ui, pane, source, blocks);
	const below = source.count - 1 - at.index;
	const scrolledUp = viewOf(ui, pane).anchor !== null && (below > 0 || at.hidden > 0 || !source.atEnd);
	const height = rect.height - (scrolledUp ? 1 : 0);
	const selected = viewOf(ui, pane).selected ?? repliedTo(ui);
	const lastLook = newLineAfter(state, ui, pane);
	const marks = ui.search?.pattern ?? null;

	let block: {index: number; entry?: Entry; body?: readonly Strip[]} = {index: -1};
	const lines = visibleSlots(blocks, at, height).map(({index, line}): PaintedLine => {
		// The lines of a block follow each other.
		if (index !== block.index) {
			const entry = source.at(index);
			block = entry === undefined ? {index} : {index, entry, body: bodyOf(ui, entry, width, source.whole)};
		}
		const {entry, body} = block;
		if (entry === undefined) return {strip: nothing};
		if (line === 0) {
			const isFirst = isFirstNew(source.at(index - 1), entry, lastLook);
			return {strip: isFirst ? newLine(width) : treeLines(entry, width, 'gap')};
		}
		const content = line === 1 ? headOf(state, ui, entry, width, now) : body?.[line - 2];
		const isMarked = line > 1 && marks !== null;
		if (entry.depth === 0 && !isMarked && content !== undefined && keyOf(entry) !== selected) return plainLine(content);
		const highlighted = isMarked && content !== undefined ? withMatchesHighlighted(content, marks) : content;
		const before = treeLines(entry, width, line === 1 ? 'head' : 'body');
		return framed(entry, joinStrips(before, highlighted ?? nothing), keyOf(entry) === selected);
	});
	const gap = Array.from({length: Math.max(0, height - lines.length)}, (): PaintedLine => ({strip: nothing}));
	if (!scrolledUp) return [...gap, ...lines];
	return [
		...gap,
		...lines,
		{strip: strip([{text: p` ${belowWords(ui.keymap, below, source.atEnd)}`, style: theme.warn}])},
	];
}

/**
 * Does the work for `channelLines` that is kept, message by message: a burst brings many to each pane, and laying them out takes
 * several milliseconds.
 */
export function* channelParts(state: State, ui: Ui, pane: PaneId, rect: Rect, now: number): Generator<void> {
	const width = lineWidth(rect);
	const source = sourceOf(state, ui, pane);
	const blocks = blocksOf(ui, source, width);
	const {index: last, hidden} = positionOf(ui, pane, source, blocks);
	for (let [index, room] = [last, rect.height + hidden]; index >= 0 && room > 0; index--) {
		const entry = source.at(index);
		if (entry === undefined) continue;
		room -= blocks.heightOf(index);
		headOf(state, ui, entry, width, now);
		yield;
	}
}

function isFirstNew(before: Entry | undefined, entry: Entry, lastLook: number | null): boolean {
	if (lastLook === null || entry.kind !== 'message' || entry.message.id <= lastLook) return false;
	return before?.kind !== 'message' || before.message.id <= lastLook;
}

/** The `new` line. It replaces the gap between two messages, so that nothing moves. */
function newLine(width: number): Strip {
	const rest = Math.max(0, width - 7);
	return strip([
		{text: p` ── `, style: theme.faint},
		{text: p`new`, style: theme.warn},
		{text: p` ${p`─`.repeat(rest)}`, style: theme.faint},
	]);
}

/** Without the newest messages loaded, their number is not known. */
function belowWords({keyFor}: Keymap, below: number, atEnd: boolean): Printable {
	if (!atEnd) return p`newer below · ${keyFor('newest')}`;
	return below > 0
		? p`${counted(below, 'newer', 'newer')} below · ${keyFor('newest')}`
		: p`more below · ${keyFor('newest')}`;
}

function headOf(state: State, ui: Ui, entry: Entry, width: number, now: number): Strip {
	const room = width - indentOf(entry, width);
	if (entry.kind === 'message') return messageHead(state, entry.message, room, now, entry.depth > 0);
	return pendingHead(state, entry.pending, entry.tag, room, now, ui.keymap);
}

/** The message that the draft replies to, which is highlighted in compose mode. */
function repliedTo({mode, compose}: Ui): string | null {
	return mode === 'compose' && compose.reply !== null ? String(compose.reply.id) : null;
}

/** The lines of a thread's tree before a reply, with blanks on levels where no later reply follows. */
function treeLines(entry: Entry, width: number, line: 'gap' | 'head' | 'body'): Strip {
	const levels = indentOf(entry, width) / 2;
	if (levels === 0) return nothing;
	const shown = entry.goesOn.slice(-levels);
	const own = shown.at(-1) === true;
	const above = shown.slice(0, -1).map(goesOn => (goesOn ? p`│ ` : p`  `));
	const last = {gap: p`│ `, head: own ? p`├ ` : p`└ `, body: own ? p`│ ` : p`  `}[line];
	// A gap has no edge.
	return strip([{text: p`${line === 'gap' ? ' ' : ''}${joinPrintable(above)}${last}`, style: theme.faint}]);
}

function framed(entry: Entry, line: Strip, selected: boolean): PaintedLine {
	const tag = entry.kind === 'message' ? entry.message.tag : entry.tag;
	const edge = selected ? {text: p`▌`, style: tagStyle(tag)} : {text: p` `, style: theme.text};
	const inset = joinStrips(strip([edge]), line);
	return selected ? {strip: inset, tint: selectedTint} : {strip: inset};
}

const plainLines = new WeakMap<Strip, PaintedLine>();

/** A line of a message after a blank edge, the most common kind; cached across frames. */
function plainLine(line: Strip): PaintedLine {
	let known = plainLines.get(line);
	if (known === undefined) plainLines.set(line, (known = {strip: joinStrips(freeEdge, line)}));
	return known;
}

const freeEdge = strip([{text: p` `, style: theme.text}]);

/** Lines centred in a pane. */
export function centred(lines: readonly Strip[], rect: Rect): PaintedLine[] {
	const top = Math.max(0, Math.floor((rect.height - lines.length) / 2));
	const width = Math.min(rect.width, Math.max(0, ...lines.map(line => line.glyphs.length)));
	const left = p` `.repeat(Math.max(0, Math.floor((rect.width - width) / 2)));
	const blank = Array.from({length: top}, (): PaintedLine => ({strip: nothing}));
	return [
		...blank,
		...lines.map(line => ({strip: clip(joinStrips(strip([{text: left, style: theme.text}]), line), rect.width)})),
	];
}
