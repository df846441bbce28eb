import {editOf, killing} from './edit-keys.ts';
import {edit, type Editor} from './editor.ts';

/** The last text killed by ^K, ^U, ^W and the like, for ^Y. */
export interface Killed {
	readonly text: string;
	/** The last key killed text; if the next one does too, its text is added, as in readline. */
	readonly open: boolean;
}

export const nothingKilled: Killed = {text: '', open: false};

/** The draft and the killed text after a key that kills; null for any other key. Pure. */
export function killWithKey(editor: Editor, killed: Killed, key: string): {editor: Editor; killed: Killed} | null {
	const side = killing.get(key);
	const change = editOf(key);
	if (side === undefined || change === undefined) return null;
	const next = edit(editor, change);
	const size = editor.text.length - next.text.length;
	if (size === 0) return {editor: next, killed};
	// The new cursor would be wrong: the two ends may have joined to one grapheme, with the cursor after it.
	const from = side === 'left' ? editor.cursor - size : editor.cursor;
	const text = editor.text.slice(from, from + size);
	const earlier = killed.open ? killed.text : '';
	return {editor: next, killed: {text: side === 'left' ? text + earlier : earlier + text, open: true}};
}
