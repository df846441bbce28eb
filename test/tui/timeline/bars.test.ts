import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {TaskStep} from '../../../source/store/replay.ts';
import {barsOf, placeBars, unowned, type Bar} from '../../../source/tui/timeline/bars.ts';

const step = (at: number, state: TaskStep['state'], tag: string | null = null, progress = 0): TaskStep => ({
	at,
	state,
	tag,
	progress,
});
const life = [
	step(10, 'queued'),
	step(20, 'running', 'A'),
	step(25, 'running', 'A', 0.5),
	step(30, 'queued', 'A'),
	step(40, 'running', 'b', 0.2),
	step(60, 'done', 'b', 1),
];

describe('the bars of a task', () => {
	it('stand in the lane of each owner, and unowned while it waits', () => {
		expect(barsOf(7, life, Infinity).map(({lane, from, to, state, end}) => [lane, from, to, state, end])).toEqual([
			[unowned, 10, 20, 'queued', null],
			['A', 20, 30, 'running', 'queued'],
			[unowned, 30, 40, 'queued', null],
			['B', 40, 60, 'running', 'done'],
		]);
	});

	it('go on where they had not ended at the moment', () => {
		expect(barsOf(7, life, 26).at(-1)).toMatchObject({lane: 'A', from: 20, to: Infinity, end: null, progress: 0.5});
		expect(barsOf(7, life, 5)).toEqual([]);
	});

	it('are a lone end where nothing but that is known', () => {
		expect(barsOf(7, [step(50, 'failed', 'A')], Infinity)).toEqual([
			{task: 7, lane: 'A', from: 50, to: 50, state: 'unknown', end: 'failed', progress: 0},
		]);
		expect(barsOf(7, [step(5, 'unknown'), step(50, 'done', 'A')], Infinity)).toMatchObject([
			{lane: unowned, state: 'unknown', from: 5, to: 50, end: 'done'},
		]);
	});

	it('never cover each other in a row, and what does not fit is counted', () => {
		const bar = fc
			.record({from: fc.nat({max: 1000}), length: fc.option(fc.nat({max: 400}))})
			.map(({from, length}): Bar => ({
				task: from,
				lane: 'A',
				from,
				to: length === null ? Infinity : from + length,
				state: 'running',
				end: null,
				progress: 0,
			}));
		fc.assert(
			fc.property(fc.array(bar, {maxLength: 40}), fc.integer({min: 1, max: 5}), (bars, rows) => {
				const scale = {from: 0, to: 1000, columns: 100};
				const {bars: shown, over} = placeBars(bars, scale, rows, 90);
				expect(shown.length + over).toBe(bars.filter(({from}) => from < 910).length);
				for (let row = 0; row < rows; row++) {
					const inRow = shown.filter(placedBar => placedBar.row === row);
					inRow.forEach(({last, free, first}, index) => {
						const next = inRow[index + 1];
						expect(last).toBeLessThanOrEqual(90);
						if (next === undefined) return;
						expect(next.first).toBeGreaterThan(last);
						expect(free).toBe(next.first);
						expect(next.first).toBeGreaterThanOrEqual(first + 6);
					});
				}
			}),
		);
	});
});
