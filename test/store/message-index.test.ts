import fc from 'fast-check';
import {expect, it} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {indexOf, type MessageIndex} from '../../source/store/message-index.ts';
import {messageRow} from '../helpers/message.ts';

const tags = ['A_1', 'a_1', 'B_2', 'C_3'];
const step = fc.oneof(
	fc.record({
		kind: fc.constant('arrives' as const),
		tag: fc.constantFrom(...tags),
		to: fc.subarray(tags),
		repliesTo: fc.nat(20),
	}),
	fc.record({kind: fc.constant('dropped' as const), count: fc.nat(6)}),
	fc.record({kind: fc.constant('redacted' as const), at: fc.nat(20)}),
	fc.record({kind: fc.constant('replaced' as const)}),
);

function next(messages: readonly Message[], id: number, change: Step) {
	switch (change.kind) {
		case 'arrives': {
			const root = messages[change.repliesTo]?.thread_id ?? id;
			const to = change.to.map(tag => ` @${tag}`).join('');
			return [...messages, messageRow(id, `[${change.tag}] number ${id}${to}`, {thread_id: root})];
		}
		case 'dropped':
			return messages.slice(change.count);
		case 'redacted':
			return messages.map((message, at) => (at === change.at ? {...message, content: '[A_1] redacted'} : message));
		case 'replaced':
			return messages.map(message => ({...message}));
	}
}

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const contents = ({channels, addressed, threads}: MessageIndex) => ({channels, addressed, threads});

it('has the same after any changes of a window as for that window alone', () => {
	fc.assert(
		fc.property(fc.array(fc.array(step, {minLength: 1, maxLength: 3}), {maxLength: 25}), turns => {
			let messages: readonly Message[] = [];
			let id = 0;
			for (const changes of turns) {
				for (const change of changes) messages = next(messages, (id += 1), change);
				const grown = structuredClone(contents(indexOf(messages)));
				indexOf([]);
				expect(grown).toEqual(contents(indexOf(messages)));
			}
		}),
	);
});

it('keeps the lists of channels that lose and get no messages', () => {
	const messages = ['A_1', 'B_2', 'A_1', 'B_2', 'C_3'].map((tag, at) => messageRow(at + 1, `[${tag}] text`));
	const before = indexOf(messages).channels.get('C_3');
	const after = indexOf([...messages.slice(2), messageRow(6, '[A_1] text')]);
	expect(after.channels.get('C_3')).toBe(before);
	expect(after.channels.get('A_1')?.map(({id}) => id)).toEqual([3, 6]);
});
