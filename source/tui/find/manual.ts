import {printable} from '../../printable.ts';
import type {Overlay, UiStore} from '../model/ui.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {scrolled} from '../view/scrolled.ts';

/** A command's help. Lines that are not indented are headings. */
export function manual(ui: UiStore, lines: readonly string[]): Overlay {
	const all = lines.map((text): Span[] => [
		{text: printable(text), style: /^\S/.test(text) ? theme.strong : theme.text},
	]);
	return scrolled(ui, () => all);
}
