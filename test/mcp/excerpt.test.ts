import fc from 'fast-check';
import {expect, test} from 'vitest';
import {cutText, fairShare} from '../../source/mailbox/text/excerpt.ts';
import {excerptOf, sizeOf} from '../../source/mcp/answers/excerpt.ts';

const hostile = fc.oneof(
	fc.string({unit: 'binary', maxLength: 3000, size: 'max'}),
	fc
		.array(fc.constantFrom('\u001B[2J', '\n', '\r\n', '\t', '\u202E', '"', '\\', '🙂', 'word '), {
			maxLength: 2000,
			size: 'max',
		})
		.map(parts => parts.join('')),
);

test('an excerpt is never too long, and its pieces add up to the whole text', () => {
	fc.assert(
		fc.property(hostile, fc.integer({min: 20, max: 5000}), (whole, room) => {
			let end = 0;
			while (end < whole.length) {
				const piece = excerptOf(whole, room, end);
				expect(sizeOf(piece.text)).toBeLessThanOrEqual(room);
				expect(piece.end).toBeGreaterThan(end);
				expect(piece.text.isWellFormed()).toBe(true);
				expect(piece.text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2028\u2029]/);
				end = piece.end;
			}
			expect(end).toBe(whole.length);
		}),
		{numRuns: 100},
	);
});

test('a short text is whole, and its end says so', () => {
	expect(excerptOf('one\r\ntwo\ttab', 100)).toEqual({text: 'one\ntwo tab', end: 12});
	expect(excerptOf('abcdef', 100, 4)).toEqual({text: 'ef', end: 6});
});

test('a cut never ends in half a character', () => {
	expect(cutText('a🙂b', 2)).toBe('a');
	expect(cutText('a🙂b', 3)).toBe('a🙂');
	expect(cutText('a🙂b', 2, 1)).toBe('🙂');
});

test('the short texts stay whole, and the long ones share what is left', () => {
	expect(fairShare([10, 20], 100)).toBe(100);
	expect(fairShare([10, 500, 300], 110)).toBe(50);
	expect(fairShare([500, 500], 0)).toBe(0);
	expect(fairShare([], 7)).toBe(7);
});
