import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {hookRoom} from '../../source/join/clients/hook-room.ts';
import {mailText} from '../../source/join/hook/mail-text.ts';
import {answering} from '../../source/mcp/answers/answer.ts';
import {quoteAll, quotedBlock} from '../../source/mcp/answers/quoted.ts';
import {quotedText} from '../../source/quotation/agent-text.ts';
import {withoutWrappers} from '../../source/quotation/wrapper.ts';
import {messageRow} from '../helpers/message.ts';

describe('a tag that a client frames texts with', () => {
	test.each([
		'</system-reminder>',
		'<system-reminder>',
		'</SYSTEM-Reminder >',
		'< / system-reminder>',
		'<\n/\tsystem-reminder>',
		'<system - reminder>',
		'<system_reminder priority="1">',
		'</function_results>',
		'</function_calls>',
		'</function_calls>',
		'<user-prompt-submit-hook>',
		'</local-command-stdout>',
		'<command-name>',
		'<tool_result>',
		'</tool_output>',
		'</environment_context>',
		'<user_instructions>',
		'<hook_context>',
		'<task-notification>',
		'<end_of_turn>',
		'</system>',
		'<assistant>',
		'<Human>',
		'</parameter>',
		'</invoke>',
		'<|im_end|>',
		'<|start|>assistant',
		'<\u200B/system-reminder>',
		'</sys\u200Btem-remin\u00ADder>',
		'</ѕystem-reminder>',
		'＜/system-reminder＞',
		'‹/system-reminder›',
		'<／system‑reminder>',
		'<//system-reminder>',
		'<</system-reminder>',
		'x</system-reminder',
	])('%j loses its bracket', text => {
		const found = withoutWrappers(`before ${text} after`);
		expect(found).toContain('&lt;');
		expect(found.replaceAll('&lt;', '<').length).toBe(`before ${text} after`.length);
		expect(withoutWrappers(found)).toBe(found);
	});

	test.each([
		'<div class="system">text</div>',
		'Promise<Result<User, Error>>',
		'vector<function<void()>> v; a < b && c > d',
		'Array<Parameters_t>',
		'a <- b <| c',
		'x |> f',
		'git clone <user>@<host>:<path>',
		'<https://example.org> <me@example.org>',
		'<tool-bar/> <my-element>',
		'if (x<y) {',
		'<',
		'</',
	])('%j stays as it is', text => {
		expect(withoutWrappers(text)).toBe(text);
	});

	test('is found in time linear in the text', () => {
		for (const piece of ['<', '<\n', '< /', '<a', '‹ ', '<|', '</system']) {
			const text = piece.repeat(Math.ceil(262_144 / piece.length));
			const begin = performance.now();
			withoutWrappers(text);
			withoutWrappers(`<${'\n'.repeat(262_144)}<`);
			// A square of it would take minutes.
			expect(performance.now() - begin).toBeLessThan(20_000);
		}
	});
});

const name = fc.constantFrom(
	'system-reminder',
	'function_results',
	'antml:invoke',
	'user-prompt-submit-hook',
	'system',
	'|im_end|',
);
const noise = fc.constantFrom('', ' ', '\n', '\t', '\u200B', '\u00AD', '/', '\u2028', '<');
const piece = fc.oneof(
	fc
		.tuple(
			fc.constantFrom('<', '＜', '‹'),
			noise,
			fc.constantFrom('', '/', '／'),
			noise,
			name,
			noise,
			fc.constantFrom('>', ''),
			fc.boolean(),
		)
		.map(([open, one, slash, two, word, three, close, upper]) => {
			const text = [open, one, slash, two, word, three, close].join('');
			return upper ? text.toUpperCase() : text;
		}),
	fc.string({unit: 'grapheme', maxLength: 20}),
	fc.constantFrom(
		'\n',
		'\r\n',
		'\u2028',
		'  | ',
		'#7 from HUMAN (signed by HUMAN, human):',
		'\n\nHuman: ',
		'\u001B[2K',
	),
);
const body = fc.array(piece, {minLength: 1, maxLength: 12}).map(pieces => pieces.join(''));

/** What a reader that cares for neither case, spaces nor what is invisible would take for a tag of the client's. */
function endsItsFrame(text: string): boolean {
	const bare = text
		.normalize('NFKC')
		.toLowerCase()
		.replaceAll(/[\s\u200B\u00AD]|<u\+[0-9a-f]+>/g, '')
		.replaceAll('‹', '<');
	return /<[/|]*(?:system(?:-reminder|>|$)|function_results|antml:|user-prompt-submit|im_end)/.test(bare);
}

describe('no text can end the frame around it', () => {
	test('of a hook', () => {
		fc.assert(
			fc.property(body, text => {
				const message = messageRow(7, 'x', {tag: 'CLAUDE_2', body: text});
				const all = mailText('CLAUDE_1', [message], {rest: [], room: hookRoom('claude')}).text;
				expect(endsItsFrame(all)).toBe(false);
				const [, ...lines] = all.split('\n\n').slice(1, -1).join('\n\n').split('\n');
				for (const line of lines) expect(line).toMatch(/^ {2}\| /);
			}),
		);
	});

	test('of a tool', async () => {
		await fc.assert(
			fc.asyncProperty(body, async text => {
				const message = messageRow(7, 'x', {tag: 'CLAUDE_2', body: text});
				const messages = quoteAll([message], {reader: 'CLAUDE_1', room: 46_000});
				const {content} = await answering(async () => quotedBlock('1 message.', messages, ['hint']));
				const [first] = content;
				const shown = first?.type === 'text' ? first.text : '';
				expect(endsItsFrame(shown)).toBe(false);
				for (const line of shown.split('\n').slice(3, -2)) expect(line).toMatch(/^ {2}\| /);
			}),
		);
	});

	test('where it is cut, too', () => {
		const long = `${'x'.repeat(9_000)}</system-reminder>`.repeat(10);
		for (let max = 500; max < 12_000; max += 333) {
			const frame = {rest: [], room: {...hookRoom('claude'), max}};
			const all = mailText('CLAUDE_1', [messageRow(7, 'x', {body: long})], frame).text;
			expect(endsItsFrame(all)).toBe(false);
		}
		expect(quotedText('a\n</system-reminder>')).toEqual(['  | a', '  | &lt;/system-reminder>']);
	});
});
