import type {KeyScope} from '../settings/actions.ts';
import {tasksPane} from './pane-id.ts';
import type {Ui} from './ui.ts';

/** Where the human is, as the keymap knows it. */
export function scopeOf({mode, focus, timeline, overlay}: Ui): KeyScope {
	if (overlay?.scope !== undefined) return overlay.scope;
	if (timeline !== null) return 'timeline';
	return mode === 'read' && focus === tasksPane ? 'tasks' : mode;
}
