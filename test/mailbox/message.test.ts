import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {addresses, authorDiffers, contentOf, inChannel, mentionsIn} from '../../source/mailbox/message.ts';
import {sameTag, UNTAGGED} from '../../source/mailbox/tag.ts';
import {anyTag} from '../helpers/any-tag.ts';

describe('mentions', () => {
	test.each([
		['@A', ['A']],
		['hello @CLAUDE_TWIN, and @Bob-2!', ['CLAUDE_TWIN', 'Bob-2']],
		['(@A) "@B" @C. @D: @E\n@F', ['A', 'B', 'C', 'D', 'E', 'F']],
		['@A @a @B @A', ['A', 'B']],
		['@A and @W: take one each', ['A', 'W']],
		['@A, @W: take one each; and @HUMAN and B may watch', ['A', 'W', 'HUMAN']],
		['mail me: someone@example.com, a@b', []],
		['@@A, @1A, @ A, @_A', []],
		[`@${'A'.repeat(33)}`, []],
		[`@${'A'.repeat(32)}`, ['A'.repeat(32)]],
		['@Ä @AÄ', ['A']],
		['', []],
	])('in %j are %j', (body, mentions) => {
		expect(mentionsIn(body)).toEqual(mentions);
	});

	test('every tag between spaces is found once, in order, as first spelled', () => {
		const word = fc.stringMatching(/^[a-z0-9.,!?]{0,8}$/);
		fc.assert(
			fc.property(fc.array(fc.tuple(word, anyTag), {maxLength: 8}), named => {
				const body = named.map(([before, tag]) => `${before} @${tag} `).join('');
				const tags = named.map(([, tag]) => tag);
				const first = tags.filter((tag, index) => tags.findIndex(other => sameTag(other, tag)) === index);
				expect(mentionsIn(body)).toEqual(first);
			}),
		);
	});

	test('are found in linear time, whatever the text', () => {
		const started = performance.now();
		for (const piece of ['@', '@A', 'A@', '@-', '@@A', ' @A_-']) mentionsIn(piece.repeat(262_144 / piece.length));
		expect(performance.now() - started).toBeLessThan(10_000);
	});
});

describe('addressing', () => {
	const message = (tag: string, ...mentions: string[]) => ({tag, mentions});

	test('without a mention a message is for everyone but its writer', () => {
		fc.assert(
			fc.property(anyTag, anyTag, (writer, reader) => {
				expect(addresses(message(writer), reader)).toBe(!sameTag(writer, reader));
			}),
		);
	});

	test('with mentions it is only for those tags, in any case, also for the writer if it names itself', () => {
		fc.assert(
			fc.property(anyTag, anyTag, fc.array(anyTag, {minLength: 1}), (writer, reader, mentions) => {
				const named = mentions.some(tag => sameTag(tag, reader));
				expect(addresses(message(writer, ...mentions), reader)).toBe(named);
			}),
		);
	});

	test('a channel has the messages that its tag wrote and those that mention it', () => {
		expect(inChannel(message('A'), 'a')).toBe(true);
		expect(inChannel(message('B', 'a'), 'A')).toBe(true);
		expect(inChannel(message('B'), 'A')).toBe(false);
	});
});

describe('content', () => {
	test('is the tag in brackets and the body; untagged is the body alone', () => {
		expect(contentOf('CLAUDE_1', 'hello')).toBe('[CLAUDE_1] hello');
		expect(contentOf(UNTAGGED, 'hello')).toBe('hello');
		expect(contentOf('untagged', 'hello')).toBe('hello');
	});

	test('shows its author wherever that is not the tag, or nobody vouches for it', () => {
		const row = {tag: 'A', author_tag: 'A', verified: true};
		expect(authorDiffers(row)).toBe(false);
		expect(authorDiffers({...row, author_tag: 'a'})).toBe(false);
		expect(authorDiffers({...row, author_tag: 'HUMAN'})).toBe(true);
		expect(authorDiffers({...row, verified: false})).toBe(true);
		expect(authorDiffers({...row, author_tag: null, verified: false})).toBe(true);
	});
});
