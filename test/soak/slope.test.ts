import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {slopeOf, verdict, type Sample} from './slope.ts';

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

	it('has a wider error where neighbours are alike', () => {
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
