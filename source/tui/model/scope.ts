import type {KeyScope} from '../settings/actions.ts';
import {tasksPane} from './pane-id.ts';
import type {Ui} from './ui.ts';

/** The scope in which the keymap looks up the next key. */
export function scopeOf({mode, focus, timeline, overlay}: Ui): KeyScope {
	if (overlay?.scope !== undefined) return overlay.scope;
	if (timeline !== null) return 'timeline';
	return mode === 'read' && focus === tasksPane ? 'tasks' : mode;
}
