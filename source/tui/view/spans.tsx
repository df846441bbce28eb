import {useIsScreenReaderEnabled} from 'ink';
import {joinPrintable, p} from '../../printable.ts';
import {ansi, strip, textWidth, type Span} from '../screen/strip.ts';
import {lookOf, onBackground, style} from '../screen/style.ts';
import {overlayTint} from '../settings/theme.ts';
import {Text} from './text.tsx';

/** A line of our own spans in Ink's text: the screen, not Ink, knows how many colours the terminal has. */
export function Spans({line}: {readonly line: readonly Span[]}) {
	const isRead = useIsScreenReaderEnabled();
	if (isRead) return <Text>{joinPrintable(line.map(({text}) => text)).trim()}</Text>;
	return <Text wrap="truncate">{ansi(strip(line))}</Text>;
}

/** A line on the background of overlays, as wide as they are, `inset` columns in from their edge. */
export function onTint(line: readonly Span[], width: number, inset = 3): Span[] {
	const blank = style({bg: overlayTint});
	const used = line.reduce((sum, {text}) => sum + textWidth(text), 0);
	return [
		{text: p` `.repeat(inset), style: blank},
		...line.map(({text, style: look}) => ({
			text,
			style: lookOf(look).bg === undefined ? onBackground(look, overlayTint) : look,
		})),
		{text: p` `.repeat(Math.max(0, width - used - inset)), style: blank},
	];
}
