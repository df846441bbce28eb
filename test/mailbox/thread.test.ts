import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {treeOf} from '../../source/mailbox/thread.ts';
import {messageRow} from '../helpers/message.ts';

/** A thread in which each message but the first replies to an earlier one; some of them may not be held. */
const thread = fc
	.record({parents: fc.array(fc.nat(50), {maxLength: 30}), lost: fc.uniqueArray(fc.nat(30), {maxLength: 6})})
	.map(({parents, lost}) =>
		[
			messageRow(1, '[A] root'),
			...parents.map((parent, index) =>
				messageRow(index + 2, '[B] reply', {reply_to: (parent % (index + 1)) + 1, thread_id: 1}),
			),
		].filter(({id}) => !lost.includes(id)),
	);

describe('the tree of a thread', () => {
	it('has each message once, below the one it replies to, with siblings in order', () => {
		fc.assert(
			fc.property(thread, messages => {
				const tree = treeOf(messages, 1);
				expect(tree.map(({message}) => message.id).sort((one, other) => one - other)).toEqual(
					messages.map(({id}) => id),
				);
				const depths = new Map(tree.map(({message, depth}) => [message.id, depth]));
				for (const [index, {message, depth}] of tree.entries()) {
					const parent = depths.get(message.reply_to ?? 0) ?? depths.get(1);
					expect(depth).toBe(message.id === 1 || parent === undefined ? 0 : parent + 1);
					const previous = tree.slice(0, index).findLast(each => each.depth <= depth);
					expect(previous?.depth === depth && previous.message.id >= message.id).toBe(false);
				}
			}),
		);
	});

	it('knows at each level whether a later reply follows on it', () => {
		fc.assert(
			fc.property(thread, messages => {
				const tree = treeOf(messages, 1);
				for (const [index, {depth, goesOn}] of tree.entries()) {
					for (let up = 0; up < goesOn.length; up++) {
						const level = depth - up;
						const next = tree.slice(index + 1).find(each => each.depth <= level);
						expect(goesOn.at(-1 - up)).toBe(next?.depth === level);
					}
				}
			}),
		);
	});

	it('can be built from a chain of thousands of replies', () => {
		const chain = Array.from({length: 5000}, (_, index) =>
			messageRow(index + 1, '[A] on and on', {reply_to: index === 0 ? null : index, thread_id: 1}),
		);
		expect(treeOf(chain, 1).at(-1)).toMatchObject({depth: 4999, message: {id: 5000}});
	});
});
