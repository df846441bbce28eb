import {editOf, killing} from './edit-keys.ts';
import {edit, type Editor} from './editor.ts';

/** What ^K, ^U, ^W and their like erased last, for ^Y. */
export interface Killed {
	readonly text: string;
	/** The last key erased it: what the next one erases belongs to it, as in readline. */
	readonly open: boolean;
}

export const nothingKilled: Killed = {text: '', open: false};

/** The draft and what ^Y brings back after a key that erases for it; null for any other key. Pure. */
export function afterKill(editor: Editor, killed: Killed, key: string): {editor: Editor; killed: Killed} | null {
	const side = killing.get(key);
	const change = editOf(key);
	if (side === undefined || change === undefined) return null;
	const next = edit(editor, change);
	const size = editor.text.length - next.text.length;
	if (size === 0) return {editor: next, killed};
	// Not the new cursor: what met may have become one letter, with the cursor behind it.
	const from = side === 'left' ? editor.cursor - size : editor.cursor;
	const text = editor.text.slice(from, from + size);
	const earlier = killed.open ? killed.text : '';
	return {editor: next, killed: {text: side === 'left' ? text + earlier : earlier + text, open: true}};
}
