import {printable} from '../../printable.ts';
import {Scrolled} from '../view/scrolled.tsx';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';

/** Lines to read; what begins at the edge is a heading. */
export function Manual({lines, top}: {readonly lines: readonly string[]; readonly top: number}) {
	const all = lines.map((text): Span[] => [
		{text: printable(text), style: /^\S/.test(text) ? theme.strong : theme.text},
	]);
	return <Scrolled lines={all} top={top} />;
}
