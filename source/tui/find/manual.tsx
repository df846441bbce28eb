import {printable} from '../../printable.ts';
import {useUi} from '../context.ts';
import {keyFor} from '../keymap.ts';
import {Panel} from '../panel.tsx';
import type {Span} from '../screen/strip.ts';
import {theme} from '../theme.ts';

/** Below lines that scroll: the key that leads on, or back. */
export function moreWords(isMore: boolean): Span {
	return {text: isMore ? `${keyFor('down')} ↓ more` : `${keyFor('up')} ↑ back`, style: theme.grey};
}

/** Lines to read, which scroll where there are more than fit; what begins at the edge is a heading. */
export function Manual({lines, top}: {readonly lines: readonly string[]; readonly top: number}) {
	const rows = useUi(ui => ui.rows);
	const all = lines.map((text): Span[] => [
		{text: printable(text), style: /^\S/.test(text) ? theme.strong : theme.text},
	]);
	const height = Math.max(2, rows - 4);
	if (all.length <= height) return <Panel lines={all} tight={all.length > height - 2} />;
	const from = Math.min(top, all.length - height + 1);
	const more: Span[] = [moreWords(from + height - 1 < all.length)];
	return <Panel lines={[...all.slice(from, from + height - 1), more]} tight />;
}
