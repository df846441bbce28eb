import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {columnOf, ticks, timeOf, type Scale} from '../../../source/tui/timeline/axis.ts';

const minute = 60_000;
const scales: fc.Arbitrary<Scale> = fc
	.record({
		from: fc.integer({min: Date.parse('2020-01-01'), max: Date.parse('2030-01-01')}),
		span: fc.integer({min: minute, max: 30 * 24 * 60 * minute}),
		columns: fc.integer({min: 20, max: 300}),
	})
	.map(({from, span, columns}) => ({from, to: from + span, columns}));

describe('the axis', () => {
	it('puts each time of its window into one of its columns, and the middle of a column into that column', () => {
		fc.assert(
			fc.property(scales, fc.double({min: 0, max: 0.999_999, noNaN: true}), (scale, part) => {
				const column = columnOf(scale, scale.from + part * (scale.to - scale.from));
				expect(column).toBeGreaterThanOrEqual(0);
				expect(column).toBeLessThan(scale.columns);
				expect(columnOf(scale, timeOf(scale, column))).toBe(column);
			}),
		);
	});

	it('names round times whose labels do not touch and do not leave the row', () => {
		fc.assert(
			fc.property(scales, scale => {
				let free = -1;
				for (const {column, label} of ticks(scale)) {
					expect(column).toBeGreaterThan(free);
					free = column + label.length;
					expect(free).toBeLessThanOrEqual(scale.columns);
				}
			}),
		);
	});

	it('names the times of an hour by minutes, of a minute by seconds, of days by their dates', () => {
		const from = new Date(2026, 10, 20, 14, 0).getTime();
		const labels = (span: number, columns: number) => ticks({from, to: from + span, columns}).map(({label}) => label);
		expect(labels(60 * minute, 60)).toEqual(['14:00', '14:10', '14:20', '14:30', '14:40', '14:50']);
		expect(labels(minute, 26)).toEqual(['14:00:00', '14:00:30']);
		expect(labels(24 * 60 * minute, 40)).toEqual(['18:00', '11-21', '06:00']);
		expect(labels(3 * 24 * 60 * minute, 30)).toEqual(['11-21', '11-22', '11-23']);
	});
});
