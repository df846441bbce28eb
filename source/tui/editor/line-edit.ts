import {editOf} from './edit-keys.ts';
import {edit, type Editor} from './editor.ts';

/** A single line after a key, with readline's keys; null if the key does not edit. */
export function editLine(editor: Editor, key: string): Editor | null {
	const change = editOf(key);
	if (change !== undefined) return edit(editor, change);
	return Array.from(key).length === 1 ? edit(editor, {type: 'insert', text: key}) : null;
}

/** A single line after a paste, whose line breaks become spaces. */
export function pasteLine(editor: Editor, text: string): Editor {
	return edit(editor, {type: 'insert', text: text.replaceAll(/[\r\n\t\0]+/g, ' ')});
}
