import type {Keymap} from '../settings/keymap.ts';
import {tagLetter} from '../../mailbox/tag.ts';

const letter = new RegExp(`^${tagLetter}$`);

/** A list that is narrowed by typing. */
export interface Picker {
	readonly typed: string;
	readonly index: number;
}

export const emptyPicker: Picker = {typed: '', index: 0};

/** The picker after a key that moves in a list of `count` names, or is a letter that tags may have; null for other keys. */
export function pickerAfterKey(keymap: Keymap, {typed, index}: Picker, key: string, count: number): Picker | null {
	const action = keymap.actionOf('panel', key);
	const step = action === 'panel_next' ? 1 : action === 'panel_previous' ? -1 : 0;
	if (step !== 0) return {typed, index: count === 0 ? 0 : (index + step + count) % count};
	if (key === 'backspace') return {typed: typed.slice(0, -1), index: 0};
	return letter.test(key) ? {typed: typed + key, index: 0} : null;
}
