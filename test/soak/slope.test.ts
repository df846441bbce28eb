import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {slopeOf, smallestLeak, verdict, type Sample} from './slope.ts';

const every15s = (seconds: number, value: (at: number) => number): Sample[] =>
	Array.from({length: seconds / 15}, (_, nth) => [nth * 15, value(nth * 15)]);

/** The same numbers between -1 and 1 each time. */
function noise(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
		return state / 1_073_741_824 - 1;
	};
}

describe('a slope', () => {
	it('is that of the line, whatever the line', () => {
		fc.assert(
			fc.property(fc.integer({min: -1000, max: 1000}), fc.integer({min: 0, max: 1_000_000}), (slope, start) => {
				const found = slopeOf(every15s(600, at => start + slope * at));
				expect(found.slope).toBeCloseTo(slope, 6);
				expect(found.error).toBeLessThan(1e-6);
			}),
		);
	});

	it('has an error that covers the noise', () => {
		for (let seed = 1; seed <= 20; seed += 1) {
			const random = noise(seed);
			const {slope, error} = slopeOf(every15s(1800, () => 200 + 5 * random()));
			expect(Math.abs(slope)).toBeLessThan(4 * error);
		}
	});

	it('has a wider error if neighbours are correlated', () => {
		const alone = slopeOf(every15s(1800, at => 200 + ((at / 15) % 2)));
		const sawtooth = slopeOf(every15s(1800, at => 200 + ((at / 15) % 20) / 10));
		expect(sawtooth.error).toBeGreaterThan(2 * alone.error);
	});
});

describe('over a week', () => {
	it('grows, when it doubles beyond the noise', () => {
		const random = noise(7);
		expect(verdict(slopeOf(every15s(1800, at => 100 + at / 60 + random())))).toBe('grows');
	});

	it('is steady, when nothing moves', () => {
		expect(verdict(slopeOf(every15s(1800, () => 31)))).toBe('steady');
	});

	it('is steady, when a part grows that is little of the whole', () => {
		const part = slopeOf(every15s(1800, at => 10 + at / 36_000));
		expect(verdict(part)).toBe('grows');
		expect(verdict(part, 200)).toBe('steady');
	});

	it('is unclear when it drifts by less than can be measured, and growing beyond that', () => {
		const drift = (by: number) =>
			slopeOf(
				every15s(1800, at => 18 + (by * at) / 1800),
				0.5,
			);
		expect(verdict(drift(0.4), 100)).toBe('unclear');
		expect(verdict(drift(2), 100)).toBe('grows');
	});

	it('is unclear, when the noise hides it', () => {
		const random = noise(7);
		expect(verdict(slopeOf(every15s(1800, () => 100 + 20 * random())))).toBe('unclear');
	});
});

describe('a leak', () => {
	/**
	 * What is alive in the screen, in MB: its window grows to 5,500 messages of 2 kB and is cut back to 5,000, V8 adds what it
	 * likes, and each message leaks as many bytes. As the run samples it: five times, then as many times not.
	 */
	const screen = (seconds: number, perSecond: number, leak: number, seed: number): Sample[] => {
		const random = noise(seed);
		const first = Math.abs(random()) * 500;
		return Array.from({length: 120}, (_, nth) => nth)
			.filter(nth => Math.floor(nth / 5) % 2 === 0)
			.map((nth): Sample => {
				const at = (nth * seconds) / 120;
				const messages = at * perSecond;
				return [at, 55 + ((first + messages) % 500) * 0.002 + 0.15 * random() + (leak * messages) / 1e6];
			})
			.filter(([at]) => at > seconds / 4);
	};
	const resident = 160;
	const verdicts = (seconds: number, perSecond: number, leak: number): Set<string> =>
		new Set(
			Array.from({length: 50}, (_, nth) => verdict(slopeOf(screen(seconds, perSecond, leak, nth + 1), 0.3), resident)),
		);

	it('of 100 bytes a message fails a run of half an hour', () => {
		expect(verdicts(1800, 10, 100)).toEqual(new Set(['grows']));
	});

	it('of 200 bytes fails one of ten minutes, and half an hour at half the rate', () => {
		expect(verdicts(600, 10, 200)).toEqual(new Set(['grows']));
		expect(verdicts(1800, 5, 200)).toEqual(new Set(['grows']));
	});

	it('that does not exist fails no run, however short or slow', () => {
		for (const [seconds, perSecond] of [
			[1800, 10],
			[1800, 5],
			[600, 10],
			[600, 2],
		] as const) {
			expect(verdicts(seconds, perSecond, 0)).not.toContain('grows');
		}
	});

	it('is found where it is larger than the run says', () => {
		const without = slopeOf(screen(1800, 10, 0, 3), 0.3);
		const smallest = (smallestLeak(without, resident) * 1e6) / 10;
		expect(smallest).toBeLessThan(100);
		expect(verdict(slopeOf(screen(1800, 10, smallest + 20, 3), 0.3), resident)).toBe('grows');
		expect(verdict(slopeOf(screen(1800, 10, smallest - 50, 3), 0.3), resident)).toBe('unclear');
	});
});
