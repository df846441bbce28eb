import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {RequestTimeout} from '../../source/gateway/link/request-timeout.ts';

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

test('ends a request after its time, unless the database is busy then', async () => {
	let isBusy = true;
	const {signal} = new RequestTimeout(1000, async () => isBusy);
	await vi.advanceTimersByTimeAsync(3500);
	expect(signal.aborted).toBe(false);
	isBusy = false;
	await vi.advanceTimersByTimeAsync(1000);
	expect(signal.reason).toMatchObject({name: 'TimeoutError'});
});

test('the body has its own time, busy or not', async () => {
	const timeout = new RequestTimeout(1000, async () => true);
	await vi.advanceTimersByTimeAsync(900);
	timeout.answered();
	await vi.advanceTimersByTimeAsync(900);
	expect(timeout.signal.aborted).toBe(false);
	await vi.advanceTimersByTimeAsync(100);
	expect(timeout.signal.reason).toMatchObject({name: 'TimeoutError'});
});

test('a response that comes while the hub is asked counts', async () => {
	const asked = Promise.withResolvers<boolean>();
	const timeout = new RequestTimeout(1000, () => asked.promise);
	await vi.advanceTimersByTimeAsync(1000);
	timeout.answered();
	asked.resolve(false);
	await vi.advanceTimersByTimeAsync(500);
	expect(timeout.signal.aborted).toBe(false);
});
