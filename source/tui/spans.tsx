import {Text} from 'ink';
import {ansi, strip, type Span} from './screen/strip.ts';

/** A line of our own spans in Ink's text: the screen, not Ink, knows how many colours the terminal has. */
export function Spans({line}: {readonly line: readonly Span[]}) {
	return <Text wrap="truncate">{ansi(strip(line))}</Text>;
}
