import type {Edit} from './editor.ts';

/** Readline's editing keys. The caller handles up and down, which recall sent drafts at the ends of the draft. */
const edits: Record<string, Edit> = {
	left: {type: 'move', to: 'left'},
	'^b': {type: 'move', to: 'left'},
	right: {type: 'move', to: 'right'},
	'^f': {type: 'move', to: 'right'},
	'^a': {type: 'move', to: 'line_start'},
	home: {type: 'move', to: 'line_start'},
	'^e': {type: 'move', to: 'line_end'},
	end: {type: 'move', to: 'line_end'},
	'alt-b': {type: 'move', to: 'word_left'},
	'^left': {type: 'move', to: 'word_left'},
	'alt-left': {type: 'move', to: 'word_left'},
	'alt-f': {type: 'move', to: 'word_right'},
	'^right': {type: 'move', to: 'word_right'},
	'alt-right': {type: 'move', to: 'word_right'},
	backspace: {type: 'erase', to: 'left'},
	delete: {type: 'erase', to: 'right'},
	'^d': {type: 'erase', to: 'right'},
	'^t': {type: 'transpose'},
	'^w': {type: 'erase', to: 'space_left'},
	'alt-backspace': {type: 'erase', to: 'word_left'},
	'alt-d': {type: 'erase', to: 'word_right'},
	'^u': {type: 'erase', to: 'line_start'},
	'^k': {type: 'erase', to: 'line_end'},
};

/** The edit that a key makes, or undefined. The caller handles ^Y and ^_, which need earlier states. */
export function editOf(key: string): Edit | undefined {
	return edits[key];
}

/** Keys that kill text, for ^Y to yank, and the side of the cursor on which they erase. */
export const killing: ReadonlyMap<string, 'left' | 'right'> = new Map([
	['^k', 'right'],
	['^u', 'left'],
	['^w', 'left'],
	['alt-d', 'right'],
	['alt-backspace', 'left'],
]);
