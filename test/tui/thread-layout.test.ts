import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {layout, type Layout} from '../../source/tui/layout.ts';
import {withThread, withThreadIn} from '../../source/tui/thread-layout.ts';

const thread = '#thread:1';

function laid(columns: number, at: string, channels = ['A', 'B', 'C']): Layout {
	return withThread(layout({columns, rows: 40, channels, focus: at, draftLines: 1}), thread, at);
}

const idsOf = ({panes}: Layout) => panes.map(({id}) => id);

describe('the place of a thread', () => {
	it('is that of the pane beside its own where there is room, else its own', () => {
		expect(idsOf(laid(200, 'A'))).toEqual(['A', '#tasks', thread]);
		expect(idsOf(laid(200, 'B'))).toEqual(['A', 'B', thread]);
		expect(idsOf(laid(120, 'A'))).toEqual([thread, '#tasks']);
		expect(idsOf(laid(80, 'A'))).toEqual([thread]);
	});

	it('leaves a layout alone in which its pane is not shown', () => {
		const base = layout({columns: 80, rows: 40, channels: ['A', 'B'], focus: 'B', draftLines: 1});
		expect(withThread(base, thread, 'A')).toBe(base);
	});

	it('never overlaps another pane, and keeps every column', () => {
		fc.assert(
			fc.property(fc.integer({min: 40, max: 320}), fc.integer({min: 1, max: 6}), fc.nat(5), (columns, count, pick) => {
				const channels = Array.from({length: count}, (_, index) => `C${index}`);
				const {panes, rules, body} = laid(columns, channels[pick % count] ?? '', channels);
				const taken = Array.from({length: columns}, () => 0);
				for (const {rect} of panes) for (let x = rect.x; x < rect.x + rect.width; x++) taken[x] = (taken[x] ?? 0) + 1;
				for (const x of rules) taken[x] = (taken[x] ?? 0) + 1;
				expect(taken).toEqual(taken.map(() => 1));
				expect(panes.every(({rect}) => rect.height === body.height)).toBe(true);
			}),
		);
	});

	it('comes after its pane in the order of Tab, or instead of it', () => {
		const open = (at: string) => ({threads: new Map([[thread, 1]]), threadAt: at});
		expect(withThreadIn(laid(200, 'A'), open('A'))).toEqual(['A', thread, 'B', '#tasks', 'C']);
		expect(withThreadIn(laid(80, 'A'), open('A'))).toEqual([thread, 'B', 'C', '#tasks']);
	});
});
