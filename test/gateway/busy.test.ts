import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {BusyWatch} from '../../source/gateway/link/busy.ts';
import type {Busy} from '../../source/mailbox/event.ts';

beforeEach(() => {
	vi.useFakeTimers({now: 1_000_000});
});
afterEach(() => {
	vi.useRealTimers();
});

/** A watch on a hub that says these statements run. */
function watched(running: () => unknown) {
	let asked = 0;
	const told: (Busy | null)[] = [];
	const watch = new BusyWatch(async () => {
		asked += 1;
		return {status: 'ok', running: running()};
	});
	return {watch, told, asked: () => asked, listen: () => watch.listen(busy => told.push(busy))};
}

test('names the statement that has run longest while a request waits, and nothing once one is answered', async () => {
	const {watch, told, listen} = watched(() => [
		{who: 'A', what: 'select 1', running: 20},
		{who: 'the owner of the database', what: 'select pg_sleep(9)', running: 5000},
		{who: 'B', what: 'select 2', running: 1200},
	]);
	listen();
	watch.begin();
	await vi.advanceTimersByTimeAsync(1400);
	expect(told).toEqual([]);
	await vi.advanceTimersByTimeAsync(200);
	expect(told).toEqual([{who: 'the owner of the database', since: 996_500}]);
	await vi.advanceTimersByTimeAsync(1000);
	expect(told).toHaveLength(2);
	watch.answered();
	expect(told.at(-1)).toBeNull();
	await vi.advanceTimersByTimeAsync(5000);
	expect(told).toHaveLength(3);
});

test('asks nothing while requests are answered quickly, and while nobody listens, or nobody does any more', async () => {
	const {watch, asked, listen} = watched(() => []);
	watch.begin();
	await vi.advanceTimersByTimeAsync(5000);
	const unlisten = listen();
	watch.begin();
	await vi.advanceTimersByTimeAsync(1000);
	watch.answered();
	await vi.advanceTimersByTimeAsync(5000);
	expect(asked()).toBe(0);
	watch.begin();
	await vi.advanceTimersByTimeAsync(2000);
	expect(asked()).toBe(1);
	unlisten();
	await vi.advanceTimersByTimeAsync(5000);
	expect(asked()).toBe(1);
});

test('is not busy for a response of another server, or for short statements', async () => {
	for (const running of [undefined, 'x', [null, {who: 3, running: 5000}, {who: 'A', running: 900}]]) {
		const {watch, told, listen} = watched(() => running);
		listen();
		watch.begin();
		await vi.advanceTimersByTimeAsync(3000);
		expect(told).toEqual([]);
		watch.answered();
	}
});
