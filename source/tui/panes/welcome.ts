import type {State} from '../../store/state.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {strip} from '../screen/strip.ts';
import {theme} from '../theme.ts';
import {centred} from './channel.ts';

/** What an empty mailbox shows: the two lines that let an agent join. */
export function welcomeLines(state: State, rect: Rect): PaintedLine[] {
	if (!state.loaded) {
		return centred([strip([{text: 'opening the mailbox', style: theme.grey}])], rect);
	}
	return centred(
		[
			strip([{text: 'agentmux join CLAUDE_1 --dir path/to/project', style: theme.strong}]),
			strip([{text: 'then start claude in that folder', style: theme.grey}]),
		],
		rect,
	);
}
