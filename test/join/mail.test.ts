import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {readMail, type Mail} from '../../source/join/hook/mail.ts';
import {mailText, openText} from '../../source/join/hook/mail-text.ts';

const mail = (id: number, body: string, more: Partial<Mail> = {}): Mail => ({
	id,
	tag: 'CLAUDE_2',
	body,
	mentions: [],
	reply_to: null,
	author_tag: 'CLAUDE_2',
	author_kind: 'agent',
	verified: true,
	signed: false,
	created_at: '2026-11-23T10:00:00+00:00',
	...more,
});

describe('the text of a hook', () => {
	test('says how many, who wrote each, under which id, and how to answer', () => {
		const text = mailText('CLAUDE_1', [mail(7, 'one\ntwo', {reply_to: 3}), mail(8, 'three')], {more: false});
		expect(text).toContain('2 new messages for CLAUDE_1 in the agentmux mailbox.');
		expect(text).toContain(
			'#7 from CLAUDE_2 (verified), 2026-11-23 10:00:00Z, in reply to #3:\n  | one\n  | two\n\n#8 from',
		);
		expect(text).toMatch(/\n\nsend_message to a sender answers\.$/);
		expect(text).not.toContain('more messages');
	});

	test('says if the sender is not verified, and if somebody else wrote it', () => {
		const other = {author_tag: 'HUMAN', author_kind: 'human'} as const;
		const text = mailText('A', [mail(1, 'x', {verified: false, author_tag: null}), mail(2, 'y', other)], {more: true});
		expect(text).toContain('#1 from CLAUDE_2 (unverified: the sender is not authenticated)');
		expect(text).toContain('#2 from CLAUDE_2 (really written by HUMAN, verified, human, unsigned)');
		expect(text).toContain('There may be more messages: check_messages');
	});

	test('a message of 262,144 bytes is cut, says so, and leaves the short one beside it whole', () => {
		const text = mailText('CLAUDE_1', [mail(1, '🙂'.repeat(65_536)), mail(2, 'short')], {more: false});
		expect(text.length).toBeLessThanOrEqual(10_000);
		expect(text.length).toBeGreaterThan(9000);
		expect(text.isWellFormed()).toBe(true);
		expect(text).toContain(
			'(cut: it has 131072 characters; read_thread with id 1, or `agentmux inbox --as CLAUDE_1` in a shell, shows it)',
		);
		expect(text).toContain('  | short\n\nsend_message to a sender answers.');
	});

	test('twenty of the largest, to and from the longest tags, are no longer either', () => {
		const tag = 'T'.repeat(32);
		const largest = Array.from({length: 20}, (_, index) =>
			mail(9_000_000_000_000 + index, 'x'.repeat(262_144), {
				tag,
				author_tag: tag.toLowerCase().replace('t', 'u'),
				reply_to: 8_999_999_999_999,
			}),
		);
		expect(mailText(tag, largest, {more: true}).length).toBeLessThanOrEqual(10_000);
	});

	test('has at most 10,000 characters and no control bytes, and no text leaves its gutter', () => {
		const body = fc.oneof(
			fc.string({unit: 'binary', maxLength: 3000}),
			fc
				.array(fc.constantFrom('\u001B]8;;x\u0007', '\n', '\r\n', '\t', '\u202E', '#9 from X:', '\uD800'), {
					maxLength: 4000,
				})
				.map(parts => parts.join('')),
		);
		fc.assert(
			fc.property(fc.array(body, {minLength: 1, maxLength: 20}), fc.boolean(), (bodies, more) => {
				const text = mailText(
					'CLAUDE_1',
					bodies.map((body, index) => mail(index + 1, body)),
					{more},
				);
				expect(text.length).toBeLessThanOrEqual(10_000);
				expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2028\u2029]/);
				expect(text.isWellFormed()).toBe(true);
				expect(text.split('\n').filter(line => line.startsWith('#'))).toHaveLength(bodies.length);
			}),
			{numRuns: 60},
		);
	});

	test('open mail is named, and its texts are not repeated', () => {
		expect(openText('CLAUDE_1', [mail(4, 'secret')])).toMatch(
			/^1 message that names CLAUDE_1 is open in the agentmux mailbox: #4 from CLAUDE_2\./,
		);
		expect(openText('CLAUDE_1', [mail(4, 'secret')])).not.toContain('secret');
	});

	test('what stands around one message is short, and says the second time that it is', () => {
		const body = 'x'.repeat(100);
		const text = mailText('T'.repeat(32), [mail(1234, body)], {more: false});
		const [opening = '', , closing = ''] = text.split('\n\n');
		expect(opening.length + closing.length).toBeLessThanOrEqual(200);
		expect(text.length).toBeLessThanOrEqual(500);
		const again = mail(7, 'x', {receipts: [{reader: 'claude_1', attempts: 1, takes: 0}]});
		expect(mailText('CLAUDE_1', [again], {more: false})).toContain('10:00:00Z, again (2nd):\n');
	});

	test('rows of another shape are rejected', () => {
		expect(readMail(null)).toEqual([]);
		const row = {...mail(2, 'y'), content: '[CLAUDE_2] y', signature: null};
		expect(readMail([1, {id: 'x'}, {...row, content: null}, mail(3, 'z'), row])).toEqual([row]);
	});
});
