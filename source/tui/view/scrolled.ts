import {p} from '../../printable.ts';
import {linesScrolledBy} from '../model/card-keys.ts';
import type {Overlay, Ui, UiStore} from '../model/ui.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {box} from './box.ts';

/** A box with text, which scrolls if it does not fit; any other key closes it. */
export function scrolled(ui: UiStore, linesFor: (ui: Ui) => ReadonlyArray<readonly Span[]>, top = 0): Overlay {
	return {
		draw({ui: now}) {
			const lines = linesFor(now);
			const height = heightIn(now);
			const last = lastTop(lines.length, now);
			const {keyFor} = now.keymap;
			if (last === 0) return box(now, lines, lines.length > height - 2);
			const from = Math.min(top, last);
			const words = from < last ? p`${keyFor('down')} ↓ more` : p`${keyFor('up')} ↑ back`;
			return box(now, [...lines.slice(from, from + height - 1), [{text: words, style: theme.grey}]], true);
		},
		key(key) {
			const step = linesScrolledBy(ui.getState().keymap.actionOf('read', key));
			if (step === undefined) return ui.setState({overlay: null});
			const last = lastTop(linesFor(ui.getState()).length, ui.getState());
			const next = Math.max(0, Math.min(last, Math.min(top, last) + step));
			ui.setState({overlay: scrolled(ui, linesFor, next)});
		},
	};
}

function heightIn({rows}: Ui): number {
	return Math.max(2, rows - 4);
}

/** The first line of the last page; one row of each page says that there is more. */
function lastTop(count: number, ui: Ui): number {
	const height = heightIn(ui);
	return count <= height ? 0 : count - height + 1;
}
