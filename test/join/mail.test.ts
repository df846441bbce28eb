import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {hookRoom} from '../../source/join/clients/hook-room.ts';
import {readMail, type Mail} from '../../source/join/hook/mail.ts';
import {quotedText} from '../../source/quotation/agent-text.ts';
import {mailText as textOf, openText} from '../../source/join/hook/mail-text.ts';

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

const claude = hookRoom('claude');
const mailText = (reader: string, all: readonly Mail[], rest: readonly number[] | null = []): string =>
	textOf(reader, all, {rest, room: claude}).text;

describe('the text of a hook', () => {
	test('says how many, who wrote each, under which id, and how to answer', () => {
		const text = mailText('CLAUDE_1', [mail(7, 'one\ntwo', {reply_to: 3}), mail(8, 'three')]);
		expect(text).toContain('2 new messages for CLAUDE_1 in the agentmux mailbox.');
		expect(text).toContain(
			'#7 from CLAUDE_2 (verified), 2026-11-23 10:00:00Z, in reply to #3:\n  | one\n  | two\n\n#8 from',
		);
		expect(text).toMatch(/\n\nsend_message to a sender answers\.$/);
		expect(text).not.toContain('check_messages');
	});

	test('says if the sender is not verified, and if somebody else wrote it', () => {
		const other = {author_tag: 'HUMAN', author_kind: 'human'} as const;
		const text = mailText('A', [mail(1, 'x', {verified: false, author_tag: null}), mail(2, 'y', other)], null);
		expect(text).toContain('#1 from CLAUDE_2 (unverified: the sender is not authenticated)');
		expect(text).toContain('#2 from CLAUDE_2 (really written by HUMAN, verified, human, unsigned)');
		expect(text).toContain('There may be more messages: check_messages');
	});

	test('a message of 262,144 bytes is cut, says so, and names the one that is behind it', () => {
		const two = [mail(1, '🙂'.repeat(65_536)), mail(2, 'short')];
		const {text, shown} = textOf('CLAUDE_1', two, {rest: [3, 4], room: claude});
		expect(shown).toBe(1);
		expect(text).toContain('1 new message for CLAUDE_1 in the agentmux mailbox.');
		expect(text.length).toBeLessThanOrEqual(10_000);
		expect(text.length).toBeGreaterThan(9000);
		expect(text.isWellFormed()).toBe(true);
		const [, from = ''] =
			/\n  \(cut: it has 131072 characters; read_thread with id 1 and text_from (\d+), or `agentmux inbox --as CLAUDE_1` in a shell, shows the rest\)\n/.exec(
				text,
			) ?? [];
		// An emoji has two UTF-16 units. Nothing is shown twice, and nothing is left out.
		expect(Number(from)).toBe((text.split('🙂').length - 1) * 2);
		expect(text).toMatch(/\n\nsend_message to a sender answers\. #2, #3, #4 wait: check_messages\.$/);
	});

	test('names ten of many that wait, and says if it is not known', () => {
		const many = Array.from({length: 11}, (_, index) => 9_000_000_000_000 + index);
		expect(mailText('CLAUDE_1', [mail(1, 'x')], many)).toMatch(
			/ #9000000000000, .*, #9000000000009 … wait: check_messages\.$/,
		);
		expect(mailText('CLAUDE_1', [mail(1, 'x')], [2])).toMatch(/answers\. #2 waits: check_messages\.$/);
		expect(mailText('CLAUDE_1', [mail(1, 'x')], null)).toMatch(/There may be more messages: check_messages\.$/);
	});

	const hostile = fc.oneof(
		fc.string({unit: 'binary', maxLength: 3000}),
		fc
			.array(fc.constantFrom('\u001B]8;;x\u0007', '\n', '\r\n', '\t', '\u202E', '漢', '#9 from X:', '\uD800'), {
				maxLength: 4000,
			})
			.map(parts => parts.join('')),
		fc.constant('x'.repeat(262_144)),
	);
	test.each(['claude', 'codex', 'gemini'] as const)(
		'fits %s and has no control bytes, all but a first one that is too long are whole, and none leaves its gutter',
		client => {
			const room = hookRoom(client);
			const tag = 'T'.repeat(32);
			const from = {tag, author_tag: tag.toLowerCase().replace('t', 'u'), reply_to: 8_999_999_999_999};
			const rest = fc.array(fc.constant(9_000_000_000_000), {maxLength: 11});
			fc.assert(
				fc.property(fc.array(hostile, {minLength: 1, maxLength: 20}), rest, (bodies, rest) => {
					const all = bodies.map((body, index) => mail(9_000_000_000_000 + index, body, from));
					const {text, shown} = textOf(tag, all, {rest, room});
					expect(room.size(text)).toBeLessThanOrEqual(room.max);
					expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2028\u2029]/);
					expect(text.isWellFormed()).toBe(true);
					expect(text.split('\n').filter(line => line.startsWith('#'))).toHaveLength(shown);
					const isCut = text.includes('\n  (cut: it has');
					expect(isCut ? shown : 1).toBe(1);
					const whole = isCut ? [] : bodies.slice(0, shown);
					for (const body of whole) expect(text).toContain(quotedText(body).join('\n'));
					const cutAt = Number(/ and text_from (\d+), or /.exec(isCut ? text : '')?.[1] ?? 0);
					expect(text).toContain(quotedText(bodies[0]?.slice(0, cutAt) ?? '').join('\n'));
				}),
				{numRuns: 40},
			);
		},
	);

	test('open mail is named, and its texts are not repeated', () => {
		expect(openText('CLAUDE_1', [mail(4, 'secret')])).toMatch(
			/^1 message that names CLAUDE_1 is open in the agentmux mailbox: #4 from CLAUDE_2\./,
		);
		expect(openText('CLAUDE_1', [mail(4, 'secret')])).not.toContain('secret');
	});

	test('what stands around one message is short, and says the second time that it is', () => {
		const body = 'x'.repeat(100);
		const text = mailText('T'.repeat(32), [mail(1234, body)]);
		const [opening = '', , closing = ''] = text.split('\n\n');
		expect(opening.length + closing.length).toBeLessThanOrEqual(200);
		expect(text.length).toBeLessThanOrEqual(500);
		const again = mail(7, 'x', {receipts: [{reader: 'claude_1', attempts: 1, takes: 0}]});
		expect(mailText('CLAUDE_1', [again])).toContain('10:00:00Z, again (2nd):\n');
	});

	test('rows of another shape are rejected', () => {
		expect(readMail(null)).toEqual([]);
		const row = {...mail(2, 'y'), content: '[CLAUDE_2] y', signature: null};
		expect(readMail([1, {id: 'x'}, {...row, content: null}, mail(3, 'z'), row])).toEqual([row]);
	});
});
