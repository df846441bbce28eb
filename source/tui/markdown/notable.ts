import type {Span} from '../screen/strip.ts';
import {lookOf, style, type Style} from '../screen/style.ts';
import {tagStrong, theme} from '../theme.ts';

const notable = /(?<![A-Za-z0-9_@-])@([A-Za-z][A-Za-z0-9_-]{0,31})(?![A-Za-z0-9_-])|(?<![\w#&])#\d+\b/gu;

/** Text with mentions in their tag's colour, and the numbers of tasks and messages. It has passed `printable`. */
export function notableSpans(text: string, base: Style): Span[] {
	const spans: Span[] = [];
	let from = 0;
	for (const match of text.matchAll(notable)) {
		if (match.index > from) spans.push({text: text.slice(from, match.index), style: base});
		const [whole, tag] = match;
		spans.push({text: whole, style: over(base, tag === undefined ? theme.task : tagStrong(tag))});
		from = match.index + whole.length;
	}
	if (from < text.length) spans.push({text: text.slice(from), style: base});
	return spans;
}

/** What `above` says of a look, and `base` where it says nothing. */
export function over(base: Style, above: Style): Style {
	return style({...lookOf(base), ...lookOf(above)});
}
