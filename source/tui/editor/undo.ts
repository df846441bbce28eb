import type {Editor} from './editor.ts';

/** What the draft was before each change that ^_ takes back, the latest last. */
export interface Undo {
	readonly before: readonly Editor[];
	/** The latest change typed letters and nothing has moved the cursor since: more of them belong to it. */
	readonly typing: boolean;
}

export const noUndo: Undo = {before: [], typing: false};

const maxSteps = 300;
/** Letters of all steps together: a large paste may be taken back, but not three hundred of them. */
const maxLetters = 4_000_000;

/** After a change of the draft from `before` to `after`; `typed`: by letters that were typed one after the other. Pure. */
export function withChange({before: steps, typing}: Undo, before: Editor, after: Editor, typed: boolean): Undo {
	if (before.text === after.text)
		return before.cursor === after.cursor ? {before: steps, typing} : {before: steps, typing: false};
	if (typed && typing) return {before: steps, typing};
	const kept = [...steps.slice(1 - maxSteps), before];
	let letters = kept.reduce((sum, {text}) => sum + text.length, 0);
	while (kept.length > 1 && letters > maxLetters) letters -= kept.shift()?.text.length ?? 0;
	return {before: kept, typing: typed};
}

/** The draft before the latest change, and what is left to take back; null when nothing is. */
export function takenBack({before}: Undo): {readonly editor: Editor; readonly undo: Undo} | null {
	const editor = before.at(-1);
	return editor === undefined ? null : {editor, undo: {before: before.slice(0, -1), typing: false}};
}
