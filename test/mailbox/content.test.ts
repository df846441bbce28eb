import fc from 'fast-check';
import {expect, test} from 'vitest';
import {checkContent} from '../../source/mailbox/content.ts';
import {MailboxError, UsageError} from '../../source/mailbox/error.ts';

function refusal(content: string): MailboxError | null {
	try {
		checkContent(content);
		return null;
	} catch (error) {
		if (error instanceof MailboxError) return error;
		throw error;
	}
}

test('any text that UTF-8 and PostgreSQL can hold is a content; no other is', () => {
	fc.assert(
		fc.property(fc.string({unit: 'binary', maxLength: 200}), content => {
			const fits = content !== '' && !content.includes('\0') && !/\p{Surrogate}/u.test(content);
			expect(refusal(content) === null).toBe(fits);
		}),
	);
});

test('bytes are counted, not characters: 262,144 fit and one more does not', () => {
	expect(refusal('x'.repeat(262_144))).toBeNull();
	expect(refusal('x'.repeat(262_145))?.sentence).toMatch(
		/^The message has 262,145 bytes; the maximum is 262,144\. Shorten it/,
	);
	expect(refusal('ü'.repeat(131_072))).toBeNull();
	expect(refusal(`${'ü'.repeat(131_072)}x`)?.code).toBe('invalid');
	expect(refusal('😀'.repeat(65_536))).toBeNull();
	expect(refusal('😀'.repeat(65_537))?.code).toBe('invalid');
});

test('an error is a sentence and its remedy', () => {
	expect(new MailboxError('offline', 'It is gone.', 'Start it.').sentence).toBe('It is gone. Start it.');
	expect(new MailboxError('offline', 'It is gone.').sentence).toBe('It is gone.');
	expect(new UsageError('No such flag.')).toMatchObject({name: 'MailboxError', code: 'invalid'});
});
