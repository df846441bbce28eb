import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {gapTimeout, IdOrder} from '../../source/gateway/live/id-order.ts';
import type {Cursor} from '../../source/mailbox/event.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {messageRow} from '../helpers/message.ts';

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

const message = (id: number, content = `[A] ${id}`): Message => messageRow(id, content);
const cursorAt = (id: number): Cursor => ({epoch: '1', xid: String(id), id});

/** What a subscriber receives, as ids; cursors are negative. */
function ordered(last: number | null, look: (order: IdOrder) => readonly Message[] = () => []) {
	const told: number[] = [];
	const contents: string[] = [];
	const order: IdOrder = new IdOrder(
		{
			messages(messages) {
				told.push(...messages.map(({id}) => id));
				contents.push(...messages.map(({content}) => content));
			},
			cursor: ({id}) => told.push(-id),
		},
		async () => order.add(look(order)),
		last,
	);
	const add = (...ids: number[]): void => order.add(ids.map(id => message(id)));
	return {order, told, contents, add};
}

test('a message that follows the last one is delivered immediately', () => {
	const {told, add} = ordered(4);
	add(5);
	add(6, 7);
	expect(told).toEqual([5, 6, 7]);
});

test('a doorbell that rings while an earlier message is being read waits for it', async () => {
	const {told, add} = ordered(4);
	add(6);
	await vi.advanceTimersByTimeAsync(gapTimeout / 2);
	expect(told).toEqual([]);
	add(5);
	expect(told).toEqual([5, 6]);
});

test('a missing id is read before it is given up', async () => {
	const {told, add} = ordered(4, () => [message(5)]);
	add(6);
	await vi.advanceTimersByTimeAsync(gapTimeout);
	expect(told).toEqual([5, 6]);
});

test('a database that does not respond delays nothing for long', async () => {
	const told: number[] = [];
	const listener = {
		messages: (messages: readonly Message[]) => told.push(...messages.map(({id}) => id)),
		cursor: vi.fn(),
	};
	const order = new IdOrder(listener, () => new Promise(() => undefined), 4);
	order.add([message(6)]);
	await vi.advanceTimersByTimeAsync(gapTimeout + 1000);
	expect(told).toEqual([6]);
});

test('an id that never comes delays the others once, and not for long', async () => {
	const {told, add} = ordered(4);
	add(6, 7);
	await vi.advanceTimersByTimeAsync(gapTimeout - 1);
	expect(told).toEqual([]);
	add(9);
	await vi.advanceTimersByTimeAsync(1);
	expect(told).toEqual([6, 7]);
	await vi.advanceTimersByTimeAsync(gapTimeout);
	expect(told).toEqual([6, 7, 9]);
	add(10);
	expect(told).toEqual([6, 7, 9, 10]);
});

test('a transaction that stays open delays nothing but the first message after it, and comes when it is committed', async () => {
	const {told, add} = ordered(4);
	add(6);
	await vi.advanceTimersByTimeAsync(gapTimeout);
	add(7);
	expect(told).toEqual([6, 7]);
	add(5);
	expect(told).toEqual([6, 7, 5]);
	add(8);
	expect(told).toEqual([6, 7, 5, 8]);
});

test('a cursor comes after every message that was added before it', async () => {
	const {order, told, add} = ordered(4);
	order.cursor(cursorAt(4));
	add(6);
	order.cursor(cursorAt(6));
	add(8);
	order.cursor(cursorAt(8));
	expect(told).toEqual([-4]);
	await vi.advanceTimersByTimeAsync(gapTimeout / 2);
	add(5);
	expect(told).toEqual([-4, 5, 6, -6]);
	await vi.advanceTimersByTimeAsync(gapTimeout);
	expect(told).toEqual([-4, 5, 6, -6, 8, -8]);
});

test('a message that is redacted while it waits is emitted without its text', async () => {
	const {order, contents, add} = ordered(4);
	add(6);
	const [gone, shown] = [message(6, '[A] (redacted)'), message(3)];
	expect(order.replace([gone, shown])).toEqual([shown]);
	await vi.advanceTimersByTimeAsync(gapTimeout);
	expect(contents).toEqual(['[A] (redacted)']);
});

test('waiting messages are delivered before another history begins, which has an order of its own', () => {
	const {order, told, add} = ordered(4);
	add(9);
	order.restart(2);
	add(3);
	expect(told).toEqual([9, 3]);
});

test('of a long history no more than a thousand messages wait for a gap', () => {
	const {told, add} = ordered(0);
	const ids = Array.from({length: 1500}, (_, n) => 2 * n + 2);
	add(...ids);
	expect(told).toEqual(ids.slice(0, 500));
});

test('callers are notified when nothing is waiting any more', async () => {
	const {order, told, add} = ordered(4);
	await order.drained();
	add(6);
	const drained = order.drained().then(() => told.push(0));
	await vi.advanceTimersByTimeAsync(gapTimeout);
	await drained;
	expect(told).toEqual([6, 0]);
});
