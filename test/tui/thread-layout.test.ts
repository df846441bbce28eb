import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {emptyArrangement, withChannels} from '../../source/tui/model/arrangement.ts';
import {layout, type Layout} from '../../source/tui/model/layout.ts';
import {withThread, withThreadIn} from '../../source/tui/model/thread-layout.ts';

const thread = '#thread:1';

function without(columns: number, focus: string, channels = ['A', 'B', 'C'], rows = 40): Layout {
	const arrangement = withChannels(emptyArrangement, channels, null);
	return layout({columns, rows, arrangement, focus, draftLines: 1});
}

function laid(columns: number, at: string, channels?: string[], rows?: number): Layout {
	return withThread(without(columns, at, channels, rows), thread, at);
}

const idsOf = ({panes}: Layout) => panes.map(({id}) => id);

describe('the place of a thread', () => {
	it('is that of what stands beside its pane where there is room, else its own', () => {
		expect(idsOf(laid(200, 'A'))).toEqual(['A', thread, '#tasks', '#agents']);
		expect(idsOf(laid(200, 'B'))).toEqual(['A', 'B', thread]);
		expect(idsOf(laid(160, 'B'))).toEqual([thread, 'B', '#tasks', '#agents']);
		expect(idsOf(laid(160, 'A', ['A']))).toEqual(['A', thread]);
		expect(idsOf(laid(120, 'A'))).toEqual([thread, '#tasks', '#agents']);
		expect(idsOf(laid(80, 'A', ['A', 'B'], 24))).toEqual([thread]);
	});

	it('covers a higher pane beside its own, or all that stand above each other there', () => {
		expect(new Set(idsOf(without(200, 'A', undefined, 50)))).toEqual(new Set(['A', 'B', 'C', '#tasks', '#agents']));
		expect(idsOf(laid(200, 'A', undefined, 50))).not.toContain('B');
		expect(idsOf(laid(200, 'A', undefined, 50))).toContain('C');
	});

	it('names what it covers in the first row', () => {
		expect(without(200, 'A').tabs).not.toContain('B');
		expect(laid(200, 'A').tabs).toContain('B');
	});

	it('leaves a layout alone in which its pane is not shown', () => {
		const base = without(80, 'B', ['A', 'B'], 24);
		expect(withThread(base, thread, 'A')).toBe(base);
	});

	it('never overlaps another pane, and leaves no cell of the body empty', () => {
		fc.assert(
			fc.property(
				fc.integer({min: 40, max: 320}),
				fc.integer({min: 10, max: 90}),
				fc.integer({min: 1, max: 6}),
				fc.nat(5),
				(columns, rows, count, pick) => {
					const channels = Array.from({length: count}, (_, index) => `C${index}`);
					const {panes, rules, body} = laid(columns, channels[pick % count] ?? '', channels, rows);
					const taken = Array.from({length: columns * body.height}, () => 0);
					const take = (x: number, y: number) => {
						const cell = (y - body.y) * columns + x;
						taken[cell] = (taken[cell] ?? 0) + 1;
					};
					for (const {rect} of panes) {
						for (let y = rect.y; y < rect.y + rect.height; y++) {
							for (let x = rect.x; x < rect.x + rect.width; x++) take(x, y);
						}
					}
					for (const x of rules) for (let y = body.y; y < body.y + body.height; y++) take(x, y);
					expect(taken.every(times => times === 1)).toBe(true);
				},
			),
		);
	});

	it('comes after its pane in the order of Tab, or instead of it', () => {
		const open = {threads: new Map([[thread, 1]]), threadAt: 'A'};
		const order = ['A', 'B', '#tasks'];
		expect(withThreadIn(order, laid(200, 'A'), open)).toEqual(['A', thread, 'B', '#tasks']);
		expect(withThreadIn(order, laid(80, 'A', ['A', 'B'], 24), open)).toEqual([thread, 'B', '#tasks']);
	});
});
