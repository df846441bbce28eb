import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {fuzzy, fuzzyMatch} from '../../source/tui/settings/fuzzy.ts';

const found = (typed: string, names: readonly string[]) => fuzzy(typed, names, name => name);

describe('the fuzzy match', () => {
	it('finds letters in order, beginnings first', () => {
		expect(found('ct', ['CLAUDE_1', 'CLAUDE_TWIN', 'CTO'])).toEqual(['CTO', 'CLAUDE_TWIN']);
		expect(found('', ['B', 'A'])).toEqual(['B', 'A']);
		expect(found('x', ['B', 'A'])).toEqual([]);
	});

	it('keeps those that match equally well in the order given: who spoke last comes first', () => {
		expect(found('cl', ['CLAUDE_TWIN', 'CLAUDE_1', 'CL'])).toEqual(['CL', 'CLAUDE_TWIN', 'CLAUDE_1']);
	});

	it('ranks an exact match first, then a prefix, a word, a part, initials, and scattered letters', () => {
		const names = ['l_a_t_e_r', 'plate', 'load a test', 'write later', 'latest', 'late'];
		expect(found('late', names)).toEqual(['late', 'latest', 'write later', 'plate', 'l_a_t_e_r', 'load a test']);
		expect(found('lat', ['load a test', 'lxaxt'])).toEqual(['load a test', 'lxaxt']);
	});

	it('requires all typed words, in any order', () => {
		const names = ['go to CLAUDE_1', 'write to CLAUDE_1', 'go to TASKS'];
		expect(found('claude go', names)).toEqual(['go to CLAUDE_1']);
		expect(fuzzyMatch('claude go', 'go to CLAUDE_1')?.offsets).toEqual([0, 1, 6, 7, 8, 9, 10, 11]);
	});

	it('marks exactly the letters that were typed, wherever they are', () => {
		fc.assert(
			fc.property(
				fc.stringMatching(/^[a-z _1]{1,20}$/),
				fc.array(fc.boolean(), {minLength: 20, maxLength: 20}),
				(text, picks) => {
					const typed = Array.from(text)
						.filter((letter, at) => picks[at] === true && letter !== ' ')
						.join('');
					fc.pre(typed !== '');
					const match = fuzzyMatch(typed, text);
					expect(match?.score).toBeGreaterThan(0);
					expect(match?.offsets.map(at => text[at]).join('')).toBe(typed);
				},
			),
		);
	});
});
