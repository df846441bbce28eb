import type {Place} from './keymap.ts';
import {tasksPane} from './pane-id.ts';
import type {Ui} from './ui.ts';

/** Where the human is, as the keymap knows it. */
export function placeOf({mode, focus, timeline}: Ui): Place {
	if (timeline !== null) return 'timeline';
	return mode === 'read' && focus === tasksPane ? 'tasks' : mode;
}
