import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
	bottom,
	isAbove,
	revealed,
	scrolled,
	topmost,
	visibleSlots,
	type Blocks,
} from '../../source/tui/panes/viewport.ts';

function blocks(heights: readonly number[]): Blocks {
	return {count: heights.length, heightOf: index => heights[index] ?? 0};
}

const given = fc.record({
	heights: fc.array(fc.integer({min: 3, max: 12}), {minLength: 1, maxLength: 20}),
	height: fc.integer({min: 1, max: 30}),
});

describe('the viewport', () => {
	it('shows the last lines at the bottom', () => {
		expect(visibleSlots(blocks([3, 3]), {index: 1, hidden: 0}, 4)).toEqual([
			{index: 0, line: 2},
			{index: 1, line: 0},
			{index: 1, line: 1},
			{index: 1, line: 2},
		]);
	});

	it('is full at any scroll position, and shows the lines in order', () => {
		fc.assert(
			fc.property(given, fc.array(fc.integer({min: -40, max: 40}), {maxLength: 20}), ({heights, height}, steps) => {
				const all = blocks(heights);
				const total = heights.reduce((sum, each) => sum + each, 0);
				let at = bottom(all);
				for (const step of steps) {
					at = scrolled(all, at, step, height);
					const slots = visibleSlots(all, at, height);
					expect(slots).toHaveLength(Math.min(height, total));
					const flat = slots.map(
						({index, line}) => heights.slice(0, index).reduce((sum, each) => sum + each, 0) + line,
					);
					expect(flat).toEqual(flat.map((_, offset) => (flat[0] ?? 0) + offset));
					expect(isAbove(at, topmost(all, height))).toBe(false);
				}
			}),
		);
	});

	it('scrolls by as many lines as were asked for, and back', () => {
		fc.assert(
			fc.property(given, fc.integer({min: 1, max: 60}), ({heights, height}, lines) => {
				const all = blocks(heights);
				const total = heights.reduce((sum, each) => sum + each, 0);
				fc.pre(total - height >= lines);
				expect(scrolled(all, scrolled(all, bottom(all), lines, height), -lines, height)).toEqual(bottom(all));
			}),
		);
	});

	it('reveals any block: whole, or its beginning when it is taller', () => {
		fc.assert(
			fc.property(given, fc.nat(19), fc.nat(60), ({heights, height}, pick, up) => {
				fc.pre(height >= 3);
				const all = blocks(heights);
				const index = pick % heights.length;
				const at = revealed(all, scrolled(all, bottom(all), up, height), index, height);
				const lines = visibleSlots(all, at, height).filter(slot => slot.index === index);
				// The gap above a block may be cut, and a tall one may stand anywhere.
				const needed = Math.min((heights[index] ?? 0) - 1, height - 1, 1);
				expect(lines.length).toBeGreaterThanOrEqual(needed);
			}),
		);
	});
});
