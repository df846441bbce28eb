import fc from 'fast-check';
import {expect, test} from 'vitest';
import {foldTag, isReserved, isTag, sameTag} from '../../source/mailbox/tag.ts';
import {anyTag} from '../helpers/any-tag.ts';

test('a tag is a letter, then up to 31 letters, digits, underscores or hyphens', () => {
	fc.assert(fc.property(anyTag, tag => isTag(tag)));
	for (const text of ['', '1A', '_A', '-A', 'A B', 'A.B', 'Ä', 'A\n', '[A]', '@A', 'A'.repeat(33)])
		expect(isTag(text)).toBe(false);
	expect(isTag('A'.repeat(32))).toBe(true);
});

test('tags are the same whatever their case, and only then', () => {
	fc.assert(
		fc.property(anyTag, anyTag, (one, other) => {
			expect(sameTag(one.toLowerCase(), one.toUpperCase())).toBe(true);
			expect(sameTag(one, other)).toBe(one.toLowerCase() === other.toLowerCase());
			expect(foldTag(foldTag(one))).toBe(foldTag(one));
		}),
	);
});

test('nobody can join as HUMAN, SYSTEM or NOBODY', () => {
	expect(['HUMAN', 'human', 'System', 'UNTAGGED'].map(isReserved)).toEqual([true, true, true, true]);
	expect(isReserved('CLAUDE_1')).toBe(false);
});
