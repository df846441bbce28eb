import {p, printable} from '../../printable.ts';
import {layoutOf} from '../model/current-layout.ts';
import {filteredOf, filterSummary} from '../model/filtered.ts';
import type {DrawInput, OverlayRegion, Ui} from '../model/ui.ts';
import type {FilterEdit} from '../model/pane-filter.ts';
import {strip, type Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {inputLine, onOverlay} from './panel.ts';

/** A pane's filter being edited, in the pane's first row, with a syntax error below it. */
export function filterLine({state, ui}: DrawInput, {pane, editor, faults}: FilterEdit): OverlayRegion | null {
	const placed = layoutOf(ui).panes.find(({id}) => id === pane);
	if (placed === undefined) return null;
	const {x, y, width} = placed.rect;
	const filter = ui.filters.get(pane);
	const [fault] = faults;
	const rect = {x, y, width, height: fault === undefined ? 1 : 2};
	const {line, cursor} = inputLine(rect, {
		prompt: {text: p` f `, style: theme.strong},
		placeholder: p`from:TAG is:unread after:2h words`,
		editor,
		faults,
		count: {
			text: width < 60 || filter === undefined ? p`` : filterSummary(filteredOf(state, pane, filter)),
			style: theme.grey,
		},
	});
	const complaint = strip([{text: p`   ${printable(fault?.message ?? '')}`, style: theme.bad}]);
	return {rect, lines: [onOverlay(line, width), onOverlay({strip: complaint}, width)], cursor};
}

/** The status line while a filter is edited. */
export function filterStatus({keymap: {keyFor}}: Ui): Span[] {
	const close = keyFor('panel_close');
	return [
		{text: p` FILTER`, style: theme.strong},
		{text: p`  ${keyFor('panel_take')}`, style: theme.text},
		{text: p` apply`, style: theme.grey},
		{text: p`  ${close}`, style: theme.text},
		{text: p` undo`, style: theme.grey},
		{text: p`  ${close} on an empty line`, style: theme.text},
		{text: p` show all`, style: theme.grey},
	];
}
