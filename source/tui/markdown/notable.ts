import {mentionPattern} from '../../mailbox/tag.ts';
import type {Span} from '../screen/strip.ts';
import {lookOf, style, type Style} from '../screen/style.ts';
import {tagStrong, theme} from '../settings/theme.ts';
import {type Printable} from '../../printable.ts';

const notable = new RegExp(String.raw`${mentionPattern}|(?<![\w#&])#\d+\b`, 'gu');

/** Text with mentions in their tags' colours, and with highlighted numbers of tasks and messages. */
export function notableSpans(text: Printable, base: Style): Span[] {
	const spans: Span[] = [];
	let from = 0;
	for (const match of text.matchAll(notable)) {
		if (match.index > from) spans.push({text: text.slice(from, match.index), style: base});
		const [whole, tag] = match;
		from = match.index + whole.length;
		const style = mergeStyles(base, tag === undefined ? theme.task : tagStrong(tag));
		spans.push({text: text.slice(match.index, from), style});
	}
	if (from < text.length) spans.push({text: text.slice(from), style: base});
	return spans;
}

/** The style `above`, with `base` for the properties it does not set. */
export function mergeStyles(base: Style, above: Style): Style {
	return style({...lookOf(base), ...lookOf(above)});
}
