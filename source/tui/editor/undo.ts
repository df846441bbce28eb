import type {Editor} from './editor.ts';

/** The undo history: the draft before each change that ^_ undoes, the latest last. */
export interface Undo {
	readonly before: readonly Editor[];
	/** The latest change was typing and the cursor has not moved since, so further letters belong to it. */
	readonly typing: boolean;
}

export const noUndo: Undo = {before: [], typing: false};

const maxSteps = 300;
/** The total length of all steps: enough to undo a large paste, but not three hundred of them. */
const maxLetters = 4_000_000;

/** The history after the draft changed from `before` to `after`. `typed`: by typing a letter. Pure. */
export function withChange({before: steps, typing}: Undo, before: Editor, after: Editor, typed: boolean): Undo {
	if (before.text === after.text)
		return before.cursor === after.cursor ? {before: steps, typing} : {before: steps, typing: false};
	if (typed && typing) return {before: steps, typing};
	const kept = [...steps.slice(1 - maxSteps), before];
	let letters = kept.reduce((sum, {text}) => sum + text.length, 0);
	while (kept.length > 1 && letters > maxLetters) letters -= kept.shift()?.text.length ?? 0;
	return {before: kept, typing: typed};
}

/** The draft before the latest change, and the remaining history; null if it is empty. */
export function undone({before}: Undo): {readonly editor: Editor; readonly undo: Undo} | null {
	const editor = before.at(-1);
	return editor === undefined ? null : {editor, undo: {before: before.slice(0, -1), typing: false}};
}
