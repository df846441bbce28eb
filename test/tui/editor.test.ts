import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {completed, mentionAtCursor} from '../../source/tui/compose/mention-completion.ts';
import {draftView} from '../../source/tui/compose/draft-view.ts';
import {edit, emptyEditor, type Edit, type Editor, type CursorMotion} from '../../source/tui/editor/editor.ts';
import {wordEnd, wordStart} from '../../source/tui/editor/word.ts';
import {textWidth} from '../../source/tui/screen/strip.ts';

/** `|` stands for the cursor. */
function at(text: string): Editor {
	const cursor = text.indexOf('|');
	return {text: text.replace('|', ''), cursor};
}

function shown({text, cursor}: Editor): string {
	return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
}

const family = '👩‍👩‍👧‍👦';

describe('the draft', () => {
	it.each<[string, Edit, string]>([
		[`a${family}|b`, {type: 'erase', to: 'left'}, 'a|b'],
		[`a|${family}b`, {type: 'move', to: 'right'}, `a${family}|b`],
		['e\u0301|', {type: 'erase', to: 'left'}, '|'],
		['one two|', {type: 'erase', to: 'word_left'}, 'one |'],
		['one two |three', {type: 'move', to: 'word_left'}, 'one |two three'],
		['one| two three', {type: 'erase', to: 'word_right'}, 'one| three'],
		['a\nbc|d\ne', {type: 'erase', to: 'line_start'}, 'a\n|d\ne'],
		['a\nb|cd\ne', {type: 'erase', to: 'line_end'}, 'a\nb|\ne'],
		['abc\nd|', {type: 'move', to: 'up'}, 'a|bc\nd'],
		['abc|\nd', {type: 'move', to: 'down'}, 'abc\nd|'],
		['|', {type: 'erase', to: 'left'}, '|'],
		['|', {type: 'erase', to: 'right'}, '|'],
		['👍|', {type: 'insert', text: '🏽'}, '👍🏽|'],
		['see docs/a.md, now|', {type: 'erase', to: 'space_left'}, 'see docs/a.md, |'],
		['see docs/parse|', {type: 'erase', to: 'word_left'}, 'see docs/|'],
		['ask @CLAUDE_1, |', {type: 'move', to: 'word_left'}, 'ask @|CLAUDE_1, '],
		["|can't stop", {type: 'move', to: 'word_right'}, "can't| stop"],
		['one|, two.', {type: 'move', to: 'word_right'}, 'one, two|.'],
		['日本語テキスト|', {type: 'erase', to: 'word_left'}, '日本語|'],
		['... |', {type: 'move', to: 'word_left'}, '|... '],
		['ab|c', {type: 'transpose'}, 'acb|'],
		['ab|', {type: 'transpose'}, 'ba|'],
		[`a${family}|`, {type: 'transpose'}, `${family}a|`],
		['|ab', {type: 'transpose'}, '|ab'],
		['ab\n|c', {type: 'transpose'}, 'ab\n|c'],
	])('%j, %j: %j', (before, change, after) => {
		expect(shown(edit(at(before), change))).toBe(after);
	});

	const motions: CursorMotion[] = [
		'left',
		'right',
		'word_left',
		'word_right',
		'space_left',
		'line_start',
		'line_end',
		'up',
		'down',
	];
	const change: fc.Arbitrary<Edit> = fc.oneof(
		fc.record({
			type: fc.constant('insert' as const),
			text: fc.string({
				unit: fc.constantFrom('a', ' ', '\n', 'é', 'e\u0301', family, '日', '🇩🇪', '\u200D', '👍', '🏽'),
			}),
		}),
		fc.record({type: fc.constantFrom('move' as const, 'erase' as const), to: fc.constantFrom(...motions)}),
		fc.constant({type: 'transpose' as const}),
	);

	it('keeps its cursor between two graphemes, whatever is edited', () => {
		const graphemes = new Intl.Segmenter(undefined, {granularity: 'grapheme'});
		fc.assert(
			fc.property(fc.array(change, {maxLength: 30}), changes => {
				let editor = emptyEditor;
				for (const each of changes) {
					editor = edit(editor, each);
					const boundaries = [...graphemes.segment(editor.text)].map(({index}) => index);
					expect([...boundaries, editor.text.length]).toContain(editor.cursor);
				}
			}),
			{numRuns: 1000},
		);
	});

	it('finds the ends of a word of ten thousand letters, and of as many spaces', () => {
		const word = 'w'.repeat(10_000);
		const gap = ' '.repeat(10_000);
		const text = `one ${word}${gap}`;
		expect(wordStart(text, text.length)).toBe(4);
		expect(wordEnd(text, 3)).toBe(4 + word.length);
		expect(wordEnd(text, 4 + word.length)).toBe(text.length);
		expect(wordStart(gap, gap.length)).toBe(0);
	});

	it('divides words near the cursor as it would in the whole text', () => {
		const unit = fc.constantFrom('a', 'b', ' ', '.', '_', '1', '\n', 'é', family, '👍');
		const segmenter = new Intl.Segmenter(undefined, {granularity: 'word'});
		fc.assert(
			fc.property(fc.string({unit, maxLength: 700}), text => {
				const words = [...segmenter.segment(text)].filter(({isWordLike}) => isWordLike);
				const last = words.at(-1);
				const first = words[0];
				expect(wordStart(text, text.length)).toBe(last?.index ?? 0);
				expect(wordEnd(text, 0)).toBe(first === undefined ? text.length : first.index + first.segment.length);
			}),
		);
	});

	it('can be erased to the end, also where one letter has a thousand marks', () => {
		let editor: Editor = edit(emptyEditor, {type: 'insert', text: `a${'\u0301'.repeat(1000)}b`});
		for (let keys = 0; editor.text !== '' && keys < 2000; keys++) editor = edit(editor, {type: 'erase', to: 'left'});
		expect(editor).toEqual(emptyEditor);
	});

	it('is shown with the line of its cursor in the middle, and without gaps at its ends', () => {
		const line = fc.constantFrom('', 'a', 'bc', '日');
		fc.assert(
			fc.property(
				fc.array(line, {minLength: 1, maxLength: 12}),
				fc.nat(),
				fc.integer({min: 1, max: 6}),
				(lines, seed, height) => {
					const text = lines.join('\n');
					const cursor = seed % (text.length + 1);
					const at = text.slice(0, cursor).split('\n').length - 1;
					const top = Math.max(0, Math.min(at - Math.floor(height / 2), lines.length - height));
					const view = draftView({text, cursor}, () => 20, height);
					expect(view.lines).toEqual(lines.slice(top, top + height));
					expect(view.cursor.line).toBe(at - top);
				},
			),
		);
	});

	it('is shown around its cursor, never wider than the line', () => {
		fc.assert(
			fc.property(
				fc.array(change, {maxLength: 30}),
				fc.integer({min: 6, max: 40}),
				fc.integer({min: 1, max: 4}),
				(changes, width, height) => {
					const view = draftView(changes.reduce(edit, emptyEditor), () => width, height);
					expect(view.lines.length).toBeLessThanOrEqual(height);
					for (const line of view.lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
					expect(view.cursor.column).toBeLessThan(width);
					expect(view.cursor.line).toBeLessThan(Math.max(1, view.lines.length));
				},
			),
		);
	});
});

describe('@ completion', () => {
	it('is offered while a name is typed after @, and not within an address', () => {
		expect(mentionAtCursor(at('hi @cl|'))).toEqual({start: 3, typed: 'cl'});
		expect(mentionAtCursor(at('me@cl|'))).toBeNull();
		expect(mentionAtCursor(at('@cl| '))).toEqual({start: 0, typed: 'cl'});
		expect(mentionAtCursor(at('@cl|a'))).toBeNull();
	});

	it('puts the tag in place of what was typed', () => {
		const editor = at('hi @cl| there');
		expect(shown(completed(editor, mentionAtCursor(editor)!, 'CLAUDE_1'))).toBe('hi @CLAUDE_1 |there');
	});
});
