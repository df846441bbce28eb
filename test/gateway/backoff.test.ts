import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {Backoff, delayAfter} from '../../source/gateway/live/backoff.ts';
import {coalesce} from '../../source/gateway/live/coalesce.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('delays grow from one second to ten, with some jitter', () => {
	const seconds = [1, 2, 5, 10, 10, 10];
	for (const [index, wait] of seconds.entries()) {
		const delay = delayAfter(index + 1);
		expect(delay).toBeGreaterThanOrEqual(wait * 1000);
		expect(delay).toBeLessThanOrEqual(wait * 1200);
	}
});

test('calls back once for each failure, says when, and starts again after a success', () => {
	const calls: number[] = [];
	const asked: number[] = [];
	const backoff = new Backoff(
		() => void calls.push(Date.now()),
		failures => {
			asked.push(failures);
			return failures * 1000;
		},
	);
	const start = Date.now();
	expect(backoff.schedule()).toBe(start + 1000);
	vi.advanceTimersByTime(1000);
	expect(backoff.schedule()).toBe(start + 3000);
	vi.advanceTimersByTime(5000);
	backoff.reset();
	backoff.schedule();
	backoff.reset();
	vi.advanceTimersByTime(60_000);
	expect(calls).toEqual([start + 1000, start + 3000]);
	expect(asked).toEqual([1, 2, 1]);
});

test('a call during a run gets a run that began later, even if the previous one failed', async () => {
	const ends: ((fail: boolean) => void)[] = [];
	const run = coalesce(
		() =>
			new Promise<void>((resolve, reject) => {
				ends.push(fail => (fail ? reject(new Error('failed')) : resolve()));
			}),
	);
	const first = run();
	await Promise.resolve();
	const second = run();
	const third = run();
	expect(third).toBe(second);
	expect(ends).toHaveLength(1);
	ends[0]?.(true);
	await expect(first).rejects.toThrow('failed');
	await Promise.resolve();
	expect(ends).toHaveLength(2);
	ends[1]?.(false);
	await second;
	void run();
	await Promise.resolve();
	expect(ends).toHaveLength(3);
});
