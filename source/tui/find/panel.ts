import type {Fault} from '../../mailbox/filter/filter-parse.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {draftView} from '../compose/draft-view.ts';
import type {Editor} from '../editor/editor.ts';
import type {Keymap} from '../settings/keymap.ts';
import type {OverlayRegion} from '../model/ui.ts';
import type {PaintedLine, Position, Rect} from '../screen/grid.ts';
import {clip, joinStrips, justify, strip, textWidth, type Span} from '../screen/strip.ts';
import {plain, style, lookOf} from '../screen/style.ts';
import {overlayTint, theme} from '../settings/theme.ts';

/** The rectangle of a panel with results; on a small screen it covers all panes. */
export function panelRect(columns: number, rows: number): Rect {
	if (columns < 100) return {x: 0, y: 1, width: columns, height: Math.max(5, rows - 4)};
	const width = Math.min(columns - 12, 120);
	return {x: Math.floor((columns - width) / 2), y: 2, width, height: Math.max(5, Math.min(rows - 6, 30))};
}

/** The number of rows for results in a panel. */
export function roomIn({height}: Rect): number {
	return Math.max(1, height - 4);
}

interface Panel {
	readonly rect: Rect;
	/** Before the text, and in place of an empty text. */
	readonly prompt: Span;
	readonly placeholder: Printable;
	readonly editor: Editor;
	readonly faults: readonly Fault[];
	/** At the right of the text. */
	readonly count: Span;
	readonly lines: readonly PaintedLine[];
	readonly keys: Printable;
}

/** The line of keys: `take` and `close` say what these keys do here; `extra` is an additional hint. */
export function panelKeys({keyFor}: Keymap, take: Printable, close: Printable, extra: Printable | '' = ''): Printable {
	const keys = [
		p`${keyFor('panel_take')} ${take}`,
		p`${keyFor('panel_previous')} ${keyFor('panel_next')} choose`,
		extra,
		p`${keyFor('panel_close')} ${close}`,
	];
	return joinPrintable(
		keys.filter(words => words !== ''),
		'   ',
	);
}

/** A panel: an input line, results, and the keys. */
export function panel({rect, lines, keys, ...input}: Panel): OverlayRegion {
	const room = roomIn(rect);
	const shown = lines.slice(0, room);
	const [fault] = input.faults;
	const complaint: Span[] = fault === undefined ? [] : [{text: p`  ${printable(fault.message)}`, style: theme.bad}];
	const {line, cursor} = inputLine(rect, input);
	const rows: PaintedLine[] = [
		line,
		{strip: strip(complaint)},
		...shown,
		...Array.from({length: room - shown.length + 1}, () => emptyLine),
		{strip: strip([{text: p`  ${keys}`, style: theme.grey}])},
	];
	return {rect, lines: rows.map(row => onOverlay(row, rect.width)), cursor};
}

const emptyLine: PaintedLine = {strip: strip([])};

/** A line on the background of overlays, unless it has its own. */
export function onOverlay({strip: line, tint = overlayTint}: PaintedLine, width: number): PaintedLine {
	return {strip: clip(line, width), tint};
}

type Input = Pick<Panel, 'prompt' | 'placeholder' | 'editor' | 'faults' | 'count'>;

/** An input line with its cursor; syntax errors are highlighted. */
export function inputLine(
	rect: Rect,
	{prompt, placeholder, editor, faults, count}: Input,
): {readonly line: PaintedLine; readonly cursor: Position} {
	const before = textWidth(prompt.text);
	const room = Math.max(4, rect.width - before - (count.text === '' ? 1 : textWidth(count.text) + 3));
	const view = draftView(editor, () => room, 1);
	const text: Span[] =
		editor.text === ''
			? [{text: placeholder, style: theme.faint}]
			: view.lines[0] === editor.text
				? faulty(view.lines[0], faults)
				: [{text: view.lines[0] ?? p``, style: theme.text}];
	const line = clip(strip([prompt, ...text]), before + room);
	const used = line.glyphs.length;
	const end = justify([{text: p` `.repeat(used), style: plain}], [count, {text: p`  `, style: plain}], rect.width);
	return {
		line: {strip: joinStrips(line, {glyphs: end.glyphs.slice(used), styles: end.styles.slice(used)})},
		cursor: {x: rect.x + before + view.cursor.column, y: rect.y},
	};
}

function faulty(text: Printable, faults: readonly Fault[]): Span[] {
	const spans: Span[] = [];
	let from = 0;
	for (const {at, length} of faults) {
		spans.push({text: text.slice(from, at), style: theme.text});
		spans.push({text: text.slice(at, at + length), style: style({...lookOf(theme.bad), underline: true})});
		from = at + length;
	}
	return [...spans, {text: text.slice(from), style: theme.text}];
}
