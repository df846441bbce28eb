import fc from 'fast-check';
import {expect, test} from 'vitest';
import {identityOf} from '../../source/gateway/identity.ts';
import {rows} from '../../source/gateway/rest/columns.ts';
import {readMessage, readTask} from '../../source/gateway/rest/rows.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import {MailboxError} from '../../source/mailbox/error.ts';

const message = {
	id: 7,
	content: '[A] hello @B',
	tag: 'A',
	body: 'hello @B',
	mentions: ['B'],
	reply_to: null,
	thread_id: 7,
	client_id: null,
	meta: {why: ['not']},
	author_tag: null,
	author_kind: null,
	verified: false,
	xid: '18446744073709551615',
	created_at: '2026-11-23T00:00:00.123456+00:00',
};

test('a row comes through whole; columns that nobody knows are left out', () => {
	expect(rows(readMessage, [{...message, later: 1}])).toEqual([message]);
	expect(rows(readMessage, message)).toEqual([message]);
	expect(rows(readMessage, null)).toEqual([]);
});

test('a bigint may come as digits, a transaction as a number', () => {
	expect(readMessage({...message, id: '7', xid: 12})).toEqual({...message, xid: '12'});
});

test('anything that is not a row is refused as another version, and nothing else is thrown', () => {
	const refused = (read: () => unknown): boolean => {
		try {
			read();
			return false;
		} catch (error) {
			if (error instanceof MailboxError && error.code === 'schema') return true;
			throw error;
		}
	};
	fc.assert(
		fc.property(fc.anything(), value => {
			expect(refused(() => readTask(value))).toBe(true);
		}),
	);
	const text = new Set(['content', 'tag', 'body', 'created_at']);
	const names = fc.constantFrom(...Object.keys(message));
	fc.assert(
		fc.property(names, fc.jsonValue(), (name, value) => {
			const taken = !refused(() => readMessage({...message, [name]: value}));
			return !text.has(name) || taken === (typeof value === 'string');
		}),
	);
});

test('an id that JavaScript would round is refused rather than rounded', () => {
	expect(() => readMessage({...message, id: '9007199254740993'})).toThrow(/messages\.id/);
});

test('the identity is what the token says, or whom a key acts as', () => {
	const token = (claims: object): string => signToken('s', {role: 'authenticated', ...claims});
	const url = 'http://x';
	const agent = token({app_metadata: {agent_tag: 'CLAUDE_1', kind: 'agent'}});
	expect(identityOf({url, key: 'anon', token: agent}, undefined)).toEqual({
		tag: 'CLAUDE_1',
		kind: 'agent',
		verified: true,
	});
	const human = token({app_metadata: {agent_tag: 'HUMAN', kind: 'human'}});
	expect(identityOf({url, key: 'anon', token: human}, 'OTHER')).toEqual({tag: 'HUMAN', kind: 'human', verified: true});
	expect(identityOf({url, key: 'anon', token: token({})}, undefined)).toMatchObject({tag: 'UNTAGGED', verified: false});
	expect(identityOf({url, key: 'sb_secret_x'}, 'CLAUDE_9')).toEqual({tag: 'CLAUDE_9', kind: 'agent', verified: false});
	expect(identityOf({url, key: 'sb_secret_x'}, undefined)).toEqual({tag: 'UNTAGGED', kind: 'agent', verified: false});
});
