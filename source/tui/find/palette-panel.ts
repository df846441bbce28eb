import {fuzzyMatch} from '../settings/fuzzy.ts';
import type {PaintedLine} from '../screen/grid.ts';
import {justify, type Span} from '../screen/strip.ts';
import {lookOf, style} from '../screen/style.ts';
import {selectedTint, tagStyle, theme} from '../settings/theme.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {paletteItems, type PaletteItem} from './palette-items.ts';
import type {DrawInput, OverlayRegion} from '../model/ui.ts';
import type {Palette} from '../model/palette.ts';
import {panel, panelKeys, panelRect, roomIn} from './panel.ts';

/** Draws the palette. */
export function palettePanel({state, ui, now}: DrawInput, {editor, index}: Palette): OverlayRegion {
	const rect = panelRect(ui.columns, ui.rows);
	const room = roomIn(rect);
	const items = paletteItems(state, ui, editor.text, now);
	const from = Math.max(0, Math.min(index - Math.floor(room / 2), items.length - room));
	return panel({
		rect,
		prompt: {text: p`  : `, style: theme.strong},
		placeholder: p`command, pane, task or search`,
		editor,
		faults: [],
		count: {
			text: items.length === 0 ? p`nothing matches` : printable(items.length.toLocaleString('en')),
			style: theme.grey,
		},
		lines: items
			.slice(from, from + room)
			.map((item, at) => itemLine(item, editor.text, from + at === index, rect.width)),
		keys: panelKeys(ui.keymap, p`select`, p`back`),
	});
}

function itemLine(
	{label, detail, right, tag}: PaletteItem,
	typed: string,
	chosen: boolean,
	width: number,
): PaintedLine {
	const colour = tag === null ? theme.text : tagStyle(tag);
	const offsets = new Set(fuzzyMatch(typed, `${label} ${detail}`)?.offsets ?? []);
	const left: Span[] = [
		{text: chosen ? p`▌ ` : p`  `, style: colour},
		...withMatchesBold(label, offsets, 0, colour),
		{text: p`  `, style: theme.text},
		...withMatchesBold(detail, offsets, label.length + 1, theme.grey),
	];
	const strip = justify(left, [{text: p`${right}  `, style: theme.grey}], width);
	return chosen ? {strip, tint: selectedTint} : {strip};
}

/** A text with the matching letters in bold. */
function withMatchesBold(text: Printable, offsets: ReadonlySet<number>, offset: number, of: number): Span[] {
	const bold = style({...lookOf(of), bold: true, underline: true});
	const spans: Span[] = [];
	let from = 0;
	for (let at = 1; at <= text.length; at++) {
		const is = offsets.has(offset + from);
		if (at < text.length && offsets.has(offset + at) === is) continue;
		spans.push({text: text.slice(from, at), style: is ? bold : of});
		from = at;
	}
	return spans;
}
