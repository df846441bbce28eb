import {describe, expect, it} from 'vitest';
import {mentionsIn} from '../../source/mailbox/message.ts';
import {pasteable} from '../../source/tui/terminal/clipboard.ts';
import {quoted} from '../../source/tui/compose/quote.ts';

describe('a quote', () => {
	it('holds the first lines, each behind its mark, and says where it was cut', () => {
		expect(quoted('one\n\ntwo')).toBe('> one\n> two');
		expect(quoted('1\n2\n3\n4\n5\n6\n7').split('\n')).toEqual(['> 1', '> 2', '> 3', '> 4', '> 5', '> 6', '> …']);
		expect(quoted('x'.repeat(10_000))).toBe(`> ${'x'.repeat(200)}…`);
		expect(quoted('👍'.repeat(300))).toBe(`> ${'👍'.repeat(200)}…`);
	});

	it('addresses nobody, and leaves email addresses unchanged', () => {
		const text = quoted('@CLAUDE_1 and @HUMAN: write to me@example.org');
		expect(text).toBe('> CLAUDE_1 and HUMAN: write to me@example.org');
		expect(mentionsIn(text)).toEqual([]);
	});

	it('contains no control byte', () => {
		expect(quoted('a\u001B[31mb\u0007')).toBe('> a␛[31mb␇');
	});
});

describe('what is copied', () => {
	it('keeps line breaks and tabs, and shows every other control byte', () => {
		expect(pasteable('a\tb\r\nc\u001B[201~rm\u0000\u2028')).toBe('a\tb\nc␛[201~rm␀<U+2028>');
	});
});
