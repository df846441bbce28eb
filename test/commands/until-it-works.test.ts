import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {untilItWorks} from '../../source/commands/serve/until-it-works.ts';

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

test('work that fails is tried again every five seconds until it succeeds, and each failure is said once', async () => {
	const outcomes = ['CLAUDE_1 has left.', 'CLAUDE_1 has left.', 'The hub does not answer.', null];
	const said: string[] = [];
	let attempts = 0;
	untilItWorks(
		async () => {
			const failure = outcomes[attempts++];
			if (typeof failure === 'string') throw new Error(failure);
		},
		error => said.push((error as Error).message),
	);
	await vi.advanceTimersByTimeAsync(4000);
	expect(attempts).toBe(1);
	await vi.advanceTimersByTimeAsync(60_000);
	expect(attempts).toBe(4);
	expect(said).toEqual(['CLAUDE_1 has left.', 'The hub does not answer.']);
});

test('nothing is tried or said after the end', async () => {
	let attempts = 0;
	const said: unknown[] = [];
	const work = untilItWorks(
		async () => {
			attempts += 1;
			throw new Error('no');
		},
		error => said.push(error),
	);
	work.end();
	await vi.advanceTimersByTimeAsync(60_000);
	expect({attempts, said}).toEqual({attempts: 1, said: []});
});
