import {approvalTitle, type Approval} from '../../mailbox/approval.ts';
import {cutText} from '../../mailbox/text/excerpt.ts';
import {p, printable} from '../../printable.ts';
import {emptyEditor, type Editor} from '../editor/editor.ts';
import {editLine, pasteLine} from '../editor/line-edit.ts';
import type {Overlay, UiStore} from '../model/ui.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {tagStrong, theme} from '../settings/theme.ts';
import {box} from '../view/box.ts';

const prompt = p`reason  `;
/** As long as the database takes. */
const maxLength = 1000;

/** Asks why a request is denied; the agent reads it. `deny` gets the reason, empty if there is none. */
export function askForReason(
	ui: UiStore,
	request: Approval,
	previous: Overlay,
	deny: (reason: string) => void,
	editor: Editor = emptyEditor,
): void {
	const next = (changed: Editor): void => {
		if (Array.from(changed.text).length <= maxLength) askForReason(ui, request, previous, deny, changed);
	};
	ui.setState({
		overlay: {
			scope: 'panel',
			draw({ui: now}) {
				const room = Math.min(now.columns, 104) - 6 - prompt.length;
				const before = printable(editor.text.slice(0, editor.cursor));
				// The end of what is before the cursor, where it does not fit.
				const shown = tail(before, room - 1);
				const rest = printable(editor.text.slice(editor.cursor));
				const line: Span[] = [
					{text: prompt, style: theme.grey},
					{text: shown, style: theme.text},
					{text: rest, style: theme.text},
					{text: p` `.repeat(Math.max(0, Math.min(60, room) - textWidth(shown) - textWidth(rest))), style: theme.text},
				];
				const region = box(now, [
					[
						{text: p`Deny `, style: theme.strong},
						{text: printable(request.tag), style: tagStrong(request.tag)},
						{text: p` ${printable(cutText(approvalTitle(request), 60))}`, style: theme.strong},
					],
					[],
					line,
					[],
					[
						{text: now.keymap.keyFor('panel_take'), style: theme.strong},
						{text: p` deny   `, style: theme.grey},
						{text: now.keymap.keyFor('panel_close'), style: theme.strong},
						{text: p` back`, style: theme.grey},
					],
				]);
				const {x, y} = region.rect;
				return {...region, cursor: {x: x + 3 + prompt.length + textWidth(shown), y: y + 3}};
			},
			key(key) {
				const action = ui.getState().keymap.actionOf('panel', key);
				if (action === 'panel_close') return ui.setState({overlay: previous});
				if (action === 'panel_take') {
					ui.setState({overlay: previous});
					return deny(editor.text.trim());
				}
				const changed = editLine(editor, key);
				if (changed !== null) next(changed);
			},
			paste: text => next(pasteLine(editor, text)),
		},
	});
}

/** The end of a text, of at most `columns` columns. */
function tail(text: ReturnType<typeof printable>, columns: number): ReturnType<typeof printable> {
	let shown = text;
	while (textWidth(shown) > columns) shown = shown.slice(1);
	return shown;
}
