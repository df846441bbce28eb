import fc from 'fast-check';
import {expect, it} from 'vitest';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import {Receipts} from '../../source/store/state/receipts.ts';

const receipt = (message_id: number, reader: string, attempts: number): Receipt => ({
	message_id,
	reader,
	state: 'delivered',
	route: 'hook',
	delivered_at: '2026-11-20T14:02:00.000Z',
	acked_at: null,
	lease_until: null,
	attempts,
	takes: 0,
	read_at: null,
	returned: 0,
});

const arrived = fc
	.tuple(fc.integer({min: 1, max: 200}), fc.constantFrom('A', 'a', 'B'), fc.nat(5))
	.map(([message, reader, attempts]) => receipt(message, reader, attempts));

it('has the latest of each message and reader, and is immutable', () => {
	fc.assert(
		fc.property(fc.array(fc.array(arrived)), fc.integer({min: 1, max: 200}), (batches, from) => {
			const expected = new Map<number, Map<string, Receipt>>();
			let receipts = Receipts.none;
			for (const batch of batches) {
				const before = receipts;
				const [beforeSize, ones] = [before.size, batch.map(({message_id}) => before.get(message_id))];
				receipts = receipts.with(batch);
				expect([before.size, batch.map(({message_id}) => before.get(message_id))]).toEqual([beforeSize, ones]);
				for (const each of batch) {
					const ofMessage = expected.get(each.message_id) ?? new Map<string, Receipt>();
					ofMessage.delete(each.reader.toUpperCase());
					expected.set(each.message_id, ofMessage.set(each.reader.toUpperCase(), each));
				}
			}
			const kept = receipts.of(message => message >= from);
			for (let message = 1; message <= 200; message += 1) {
				const wanted = expected.get(message);
				const all = wanted === undefined ? undefined : [...wanted.values()];
				expect(receipts.get(message)).toEqual(all);
				expect(kept.get(message)).toEqual(message >= from ? all : undefined);
			}
			expect(receipts.size).toBe(expected.size);
			expect(kept.size).toBe([...expected.keys()].filter(message => message >= from).length);
		}),
	);
});
