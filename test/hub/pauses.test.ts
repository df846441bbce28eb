import {expect, it} from 'vitest';
import {Pauses} from '../../source/hub/database/pauses.ts';

it('each pause is twice as long, up to a minute, and starts again at the shortest after a long time', () => {
	let now = 0;
	const pauses = new Pauses(() => now);
	const lengths = Array.from({length: 8}, () => {
		const length = pauses.begin('A');
		expect(pauses.left('A')).toBe(length);
		now += length - 1;
		expect(pauses.left('A')).toBe(1);
		now += 1;
		expect(pauses.left('A')).toBe(0);
		return length;
	});
	expect(lengths).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
	expect(pauses.left('B')).toBe(0);
	expect(pauses.begin('B')).toBe(2000);
	now += 120_001;
	expect(pauses.begin('A')).toBe(2000);
});
