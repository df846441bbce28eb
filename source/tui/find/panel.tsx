import type {Keymap} from '../settings/keymap.ts';
import {Box, useIsScreenReaderEnabled} from 'ink';
import {useLayoutEffect} from 'react';
import type {Fault} from '../../mailbox/filter/filter-parse.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {draftView} from '../compose/draft-view.ts';
import type {Editor} from '../editor/editor.ts';
import {useSurroundings, useUi} from '../view/context.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {ansi, clip, joined, justify, strip, textOf, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {onBackground, plain, style, lookOf, type Colour} from '../screen/style.ts';
import {overlayTint, theme} from '../settings/theme.ts';
import {Text} from '../view/text.tsx';

/** Where a panel with results stands: over the panes, and over all of them on a small screen. */
export function panelRect(columns: number, rows: number): Rect {
	if (columns < 100) return {x: 0, y: 1, width: columns, height: Math.max(5, rows - 4)};
	const width = Math.min(columns - 12, 120);
	return {x: Math.floor((columns - width) / 2), y: 2, width, height: Math.max(5, Math.min(rows - 6, 30))};
}

/** Rows of a panel that its results may take. */
export function roomIn({height}: Rect): number {
	return Math.max(1, height - 4);
}

export interface PanelProps {
	readonly rect: Rect;
	/** What stands before the text, and in its place while there is none. */
	readonly prompt: Span;
	readonly placeholder: Printable;
	readonly editor: Editor;
	readonly faults: readonly Fault[];
	/** At the right of the text. */
	readonly count: Span;
	readonly lines: readonly PaintedLine[];
	readonly keys: Printable;
}

/** The keys below: what taking and leaving mean here, and what there is to say `beside`. */
export function panelKeys({keyFor}: Keymap, take: Printable, close: Printable, beside: Printable | '' = ''): Printable {
	const keys = [
		p`${keyFor('panel_take')} ${take}`,
		p`${keyFor('panel_previous')} ${keyFor('panel_next')} choose`,
		beside,
		p`${keyFor('panel_close')} ${close}`,
	];
	return joinPrintable(
		keys.filter(words => words !== ''),
		'   ',
	);
}

/** A line to type into, what was found for it, and the keys. */
export function Panel({rect, prompt, placeholder, editor, faults, count, lines, keys}: PanelProps) {
	const room = roomIn(rect);
	const shown = lines.slice(0, room);
	const [fault] = faults;
	const complaint: Span[] = fault === undefined ? [] : [{text: p`  ${printable(fault.message)}`, style: theme.bad}];
	const rows: PaintedLine[] = [
		{strip: strip(complaint)},
		...shown,
		...Array.from({length: Math.max(0, room - shown.length)}, (): PaintedLine => ({strip: strip([])})),
		{strip: strip([])},
		{strip: strip([{text: p`  ${keys}`, style: theme.grey}])},
	];
	return (
		<Cover rect={rect}>
			<InputLine
				rect={{...rect, height: 1}}
				prompt={prompt}
				placeholder={placeholder}
				editor={editor}
				faults={faults}
				count={count}
			/>
			{rows.map((line, index) => (
				<Tinted key={index} line={line} width={rect.width} />
			))}
		</Cover>
	);
}

/** A rectangle of the chrome above the panes. */
export function Cover({
	rect: {x, y, width, height},
	children,
}: {
	readonly rect: Rect;
	readonly children: React.ReactNode;
}) {
	const {screen} = useSurroundings();
	useLayoutEffect(() => screen?.cover({x, y, width, height}), [screen, x, y, width, height]);
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{children}
		</Box>
	);
}

type InputProps = Pick<PanelProps, 'rect' | 'prompt' | 'placeholder' | 'editor' | 'faults' | 'count'>;

/** The text under edit, with the cursor in it; what does not parse stands out where it is. */
export function InputLine({rect, prompt, placeholder, editor, faults, count}: InputProps) {
	const {screen} = useSurroundings();
	// Whoever else moves the cursor does so for what lies below this.
	useUi(ui => ui);
	const before = textWidth(prompt.text);
	const room = Math.max(4, rect.width - before - (count.text === '' ? 1 : textWidth(count.text) + 3));
	const view = draftView(editor, room, 1);
	const x = rect.x + before + view.cursor.column;
	useLayoutEffect(() => screen?.setCursor({x, y: rect.y}));
	const text: Span[] =
		editor.text === ''
			? [{text: placeholder, style: theme.faint}]
			: view.lines[0] === editor.text
				? faulty(view.lines[0], faults)
				: [{text: view.lines[0] ?? p``, style: theme.text}];
	const line = clip(strip([prompt, ...text]), before + room);
	const used = line.glyphs.length;
	const end = justify([{text: p` `.repeat(used), style: plain}], [count, {text: p`  `, style: plain}], rect.width);
	return (
		<Tinted
			line={{strip: joined(line, {glyphs: end.glyphs.slice(used), styles: end.styles.slice(used)})}}
			width={rect.width}
		/>
	);
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

/** A line on the background of overlays, or on its own. */
export function Tinted({line, width}: {readonly line: PaintedLine; readonly width: number}) {
	const isRead = useIsScreenReaderEnabled();
	if (isRead) return <Text>{textOf(line.strip)}</Text>;
	return <Text wrap="truncate">{ansi(onTint(clip(line.strip, width), width, line.tint ?? overlayTint))}</Text>;
}

function onTint({glyphs, styles}: Strip, width: number, tint: Colour): Strip {
	const over = Math.max(0, width - glyphs.length);
	const blank = onBackground(plain, tint);
	return {
		glyphs: [...glyphs, ...Array.from<Printable>({length: over}).fill(p` `)],
		styles: [...styles.map(each => onBackground(each, tint)), ...Array.from<number>({length: over}).fill(blank)],
	};
}
