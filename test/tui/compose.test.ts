import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {edit, emptyEditor, type Editor} from '../../source/tui/editor/editor.ts';
import {killWithKey, nothingKilled, type Killed} from '../../source/tui/editor/kill.ts';
import {sentSearchAfter, newSentSearch, withSent, type SentSearch} from '../../source/tui/model/sent.ts';
import {noUndo, undone, withChange} from '../../source/tui/editor/undo.ts';

function at(text: string): Editor {
	const cursor = text.indexOf('|');
	return {text: text.replace('|', ''), cursor};
}

function killedBy(draft: string, ...keys: string[]): {readonly left: string; readonly killed: string} {
	let editor = at(draft);
	let killed: Killed = nothingKilled;
	for (const key of keys) {
		const after = killWithKey(editor, killed, key);
		if (after === null) killed = {...killed, open: false};
		else ({editor, killed} = after);
	}
	return {left: editor.text, killed: killed.text};
}

describe('what ^Y brings back', () => {
	it('is what the last key erased, and what keys just before it erased, in the order it stood', () => {
		expect(killedBy('one two three|', '^w')).toEqual({left: 'one two ', killed: 'three'});
		expect(killedBy('one two three|', '^w', '^w')).toEqual({left: 'one ', killed: 'two three'});
		expect(killedBy('one |two three', 'alt-d', 'alt-d')).toEqual({left: 'one ', killed: 'two three'});
		expect(killedBy('one two| three', '^w', '^k')).toEqual({left: 'one ', killed: 'two three'});
	});

	it('starts again after another key, and stays when there is nothing to erase', () => {
		expect(killedBy('one two three|', '^w', '^a', '^w')).toEqual({left: 'one ', killed: 'two '});
		expect(killedBy('one|', '^w', '^w', '^k')).toEqual({left: '', killed: 'one'});
	});
});

describe('^_', () => {
	it('undoes letters that were typed together at once, and every other change by itself', () => {
		let editor = emptyEditor;
		let undo = noUndo;
		const change = (next: Editor, typed = false) => {
			undo = withChange(undo, editor, next, typed);
			editor = next;
		};
		for (const letter of 'one two') change(edit(editor, {type: 'insert', text: letter}), true);
		change(edit(editor, {type: 'erase', to: 'space_left'}));
		for (const letter of 'three') change(edit(editor, {type: 'insert', text: letter}), true);
		change(edit(editor, {type: 'move', to: 'line_start'}));
		change(edit(editor, {type: 'insert', text: '>'}), true);
		expect(editor.text).toBe('>one three');
		const steps: string[] = [];
		for (let back = undone(undo); back !== null; back = undone(back.undo)) steps.push(back.editor.text);
		expect(steps).toEqual(['one three', 'one ', 'one two', '']);
	});

	it('forgets the oldest of very many changes, and of very large ones', () => {
		let undo = noUndo;
		for (let number = 0; number < 1000; number++) {
			undo = withChange(undo, {text: String(number), cursor: 0}, {text: String(number + 1), cursor: 0}, false);
		}
		expect(undo.before.length).toBeLessThanOrEqual(300);
		const large = 'x'.repeat(1_500_000);
		for (const end of 'abcdef') undo = withChange(undo, {text: large + end, cursor: 0}, emptyEditor, false);
		expect(undo.before.length).toBeLessThanOrEqual(3);
		expect(undone(undo)?.editor.text).toBe(`${large}f`);
	});
});

describe('what was sent', () => {
	const sent = ['first deploy', 'second', 'third DEPLOY'];
	const draft: Editor = {text: 'draft', cursor: 2};
	const search = (...keys: Array<Parameters<typeof sentSearchAfter>[2]>): SentSearch =>
		keys.reduce((search, key) => sentSearchAfter(search, sent, key), newSentSearch(draft));

	it('is searched from the newest back, without case, with the cursor at what was typed', () => {
		expect(search({letters: 'dep'}).shown).toEqual({text: 'third DEPLOY', cursor: 6});
		expect(search({letters: 'dep'}, 'older').shown).toEqual({text: 'first deploy', cursor: 6});
		expect(search({letters: 'dep'}, 'older', 'newer').shown.text).toBe('third DEPLOY');
	});

	it('narrows as more is typed, and stays where it is when nothing older holds it', () => {
		expect(search({letters: 's'}, {letters: 'e'}).shown.text).toBe('second');
		const failing = search({letters: 'dep'}, 'older', 'older');
		expect(failing).toMatchObject({failing: true, shown: {text: 'first deploy'}});
		expect(sentSearchAfter(failing, sent, 'newer')).toMatchObject({failing: false, shown: {text: 'third DEPLOY'}});
	});

	it('shows the draft again when everything that was typed is erased', () => {
		expect(search({letters: 's'}, 'shorter').shown).toEqual(draft);
	});

	it('is kept without repeats, the latest last, and never grows beyond its bounds', () => {
		expect(withSent(['a', 'b'], 'a')).toEqual(['b', 'a']);
		fc.assert(
			fc.property(fc.array(fc.nat(2000), {minLength: 1, maxLength: 700}), sizes => {
				const kept = sizes.reduce<readonly string[]>(
					(all, size) => withSent(all, `${size}${'x'.repeat(size * 10)}`),
					[],
				);
				expect(kept.length).toBeLessThanOrEqual(500);
				const letters = kept.reduce((sum, {length}) => sum + length, 0);
				expect(letters).toBeLessThanOrEqual(1_000_000);
				const last = sizes.at(-1) ?? 0;
				expect(kept.at(-1)).toBe(`${last}${'x'.repeat(last * 10)}`);
			}),
			{numRuns: 20},
		);
	});
});
