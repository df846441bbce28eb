import type {KeyScope} from '../settings/actions.ts';
import {tasksPane} from './pane-id.ts';
import type {Ui} from './ui.ts';

/** What stands over the panes with a line to type into. */
const panels: ReadonlySet<string> = new Set(['search', 'filter', 'palette', 'tags', 'assign']);

/** Where the human is, as the keymap knows it. */
export function scopeOf({mode, focus, timeline, overlay}: Ui): KeyScope {
	if (overlay !== null && panels.has(overlay.kind)) return 'panel';
	if (timeline !== null) return 'timeline';
	return mode === 'read' && focus === tasksPane ? 'tasks' : mode;
}
