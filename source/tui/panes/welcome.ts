import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {strip} from '../screen/strip.ts';
import {wrap} from '../screen/wrap.ts';
import {theme} from '../settings/theme.ts';
import type {Ui} from '../model/ui.ts';
import {centred} from './channel.ts';

/** What an empty mailbox shows: how to let an agent join. */
export function welcomeLines(state: State, ui: Ui, rect: Rect): PaintedLine[] {
	if (!state.loaded) {
		const reason = state.connection.phase === 'offline' ? state.connection.reason : ui.opening;
		return centred(wrap(strip([{text: printable(reason), style: theme.grey}]), Math.min(76, rect.width - 4)), rect);
	}
	return centred(
		[
			strip([{text: p`${printable(ui.program)} join CLAUDE_1 --dir path/to/project`, style: theme.strong}]),
			strip([{text: p`then start claude in that folder`, style: theme.grey}]),
		],
		rect,
	);
}
