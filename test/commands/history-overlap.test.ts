import {expect, it} from 'vitest';
import {HistoryOverlap} from '../../source/commands/cli/history-overlap.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {messageRow} from '../helpers/message.ts';

const rows = (...ids: number[]): Message[] => ids.map(id => messageRow(id, `[A] ${id}`));
const cursorAt = (id: number) => ({epoch: 'e', xid: String(1000 + id), id});
const ids = (messages: readonly Message[]): number[] => messages.map(({id}) => id);

it('prints a message once that came live and is in the history, too', () => {
	const overlap = new HistoryOverlap();
	expect(ids(overlap.show(rows(1, 2, 3), rows(3, 4)))).toEqual([4]);
	expect(ids(overlap.fresh(rows(2, 5)))).toEqual([5]);
});

it('forgets messages that the cursor has passed, whichever came first', () => {
	const behind = new HistoryOverlap();
	behind.show(rows(1, 2, 3, 4), []);
	behind.pass(cursorAt(2));
	expect(behind.size).toBe(2);
	expect(ids(behind.fresh(rows(3, 5)))).toEqual([5]);
	behind.pass(cursorAt(5));
	expect(behind.size).toBe(0);

	const before = new HistoryOverlap();
	before.pass(cursorAt(3));
	// Told before the cursor, and shown by the history: not once more.
	expect(ids(before.show(rows(1, 2, 3, 4), rows(3, 4)))).toEqual([]);
	expect(before.size).toBe(0);
});

it('knows a late commit by its transaction, whatever its number', () => {
	const overlap = new HistoryOverlap();
	overlap.show([messageRow(2, '[A] late', {xid: '2000'}), ...rows(3)], []);
	overlap.pass(cursorAt(3));
	expect(overlap.size).toBe(1);
	expect(ids(overlap.fresh([messageRow(2, '[A] late', {xid: '2000'})]))).toEqual([]);
});

it('begins again with another history', () => {
	const overlap = new HistoryOverlap();
	overlap.show(rows(1, 2), []);
	overlap.clear();
	expect(ids(overlap.fresh(rows(1)))).toEqual([1]);
});
