import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
	emptyArrangement,
	withPanesSwapped,
	numberKey,
	numbersOf,
	withChannels,
	withHidden,
	withPinned,
} from '../../source/tui/model/arrangement.ts';
import {layout, type Layout} from '../../source/tui/model/layout.ts';
import {agentsPane, allPane, inboxPane, tasksPane, welcomePane} from '../../source/tui/model/pane-id.ts';

const specials = [tasksPane, agentsPane, inboxPane, allPane];
const names = (count: number): string[] => Array.from({length: count}, (_, at) => `C${at + 1}`);

function arranged(count: number, own: string | null = null) {
	return withChannels(emptyArrangement, own === null ? names(count) : [...names(count), own], own);
}

function at(columns: number, rows: number, arrangement = arranged(8), focus = 'C1'): Layout {
	return layout({columns, rows, arrangement, focus, draftLines: 1});
}

describe('the layout', () => {
	it.each([
		[39, 9, 'tiny', 0],
		[80, 24, 'single', 1],
		[99, 30, 'single', 1],
		[80, 60, 'wide', 3],
		[90, 124, 'wide', 6],
		[120, 40, 'wide', 1],
		[120, 60, 'wide', 2],
		[200, 24, 'wide', 2],
		[200, 50, 'wide', 4],
		[260, 50, 'wide', 6],
		[400, 24, 'wide', 6],
	] as const)('at %ix%i is %s, with %i channels', (columns, rows, kind, count) => {
		const {kind: is, mainPanes} = at(columns, rows);
		expect([is, kind === 'tiny' ? 0 : mainPanes.length]).toEqual([kind, count]);
	});

	it('fills the body with panes that do not overlap, the focused one among them, at any size and however arranged', () => {
		const arrangement = fc
			.record({
				count: fc.nat(12),
				hidden: fc.subarray([...names(12), ...specials]),
				pinned: fc.subarray([...names(12), inboxPane, allPane]),
				zoomed: fc.boolean(),
				own: fc.constantFrom(null, 'ME'),
			})
			.map(({count, hidden, pinned, zoomed, own}) => {
				let given = arranged(count, own);
				for (const id of pinned) given = withPinned(given, id, given.onScreen);
				for (const id of hidden) given = withHidden(given, id, true);
				return {...given, zoomed};
			});
		fc.assert(
			fc.property(
				arrangement,
				fc.integer({min: 40, max: 420}),
				fc.integer({min: 10, max: 140}),
				fc.nat(16),
				fc.integer({min: 1, max: 9}),
				(given, columns, rows, pick, draftLines) => {
					const shown = given.order.filter(id => !given.hidden.has(id));
					const focus = shown[pick % Math.max(1, shown.length)] ?? welcomePane;
					const {kind, panes, body, rules, tabs} = layout({columns, rows, arrangement: given, focus, draftLines});
					const owner = new Map<number, string>();
					for (const {id, rect} of panes) {
						for (let y = rect.y; y < rect.y + rect.height; y++)
							for (let x = rect.x; x < rect.x + rect.width; x++) {
								expect(owner.get(y * columns + x)).toBeUndefined();
								owner.set(y * columns + x, id);
							}
					}
					expect(owner.size).toBe(body.height * (columns - rules.length));
					expect(new Set(panes.map(({id}) => id)).size).toBe(panes.length);
					expect(panes.map(({id}) => id)).toContain(focus);
					expect(panes.length).toBeLessThanOrEqual(8);
					const doubled = tabs.filter(id => kind === 'wide' && panes.some(pane => pane.id === id));
					expect(doubled).toEqual([]);
					expect(tabs.some(id => given.hidden.has(id))).toBe(false);
				},
			),
			{numRuns: 60},
		);
	});

	it('moves no pane that stands on the screen when one more appears', () => {
		for (const count of [2, 3]) {
			const placed = (channels: number) =>
				at(200, 50, arranged(channels)).panes.map(({id, rect: {x, y}}) => ({id, x, y}));
			expect(placed(count + 1)).toEqual(expect.arrayContaining(placed(count)));
		}
	});

	it('gives tasks and agents the side, and their room to the others when both are hidden', () => {
		expect(at(200, 24).panes.map(({id}) => id)).toEqual(['C1', 'C2', tasksPane, agentsPane]);
		const without = withHidden(withHidden(arranged(8), tasksPane, true), agentsPane, true);
		expect(at(200, 24, without).panes.map(({id}) => id)).toEqual(['C1', 'C2', 'C3']);
	});
});

describe('the arrangement', () => {
	it('assigns the number keys to the first channels and to the other panes', () => {
		expect(arranged(2).order).toEqual(['C1', 'C2', ...specials]);
		expect(arranged(300, 'ME').order.slice(0, 11)).toEqual([...names(5), ...specials, 'ME', 'C6']);
	});

	it('puts a new channel after those that are there, and moves nothing else', () => {
		const before = arranged(5);
		expect(withChannels(before, ['NEW'], null).order).toEqual([...before.order, 'NEW']);
		expect(withChannels(before, ['C1', 'C2'], null)).toBe(before);
	});

	it('keeps a pane that was moved where it was put, also when its channel comes later', () => {
		const moved = withPanesSwapped(arranged(4), 'C4', 'C1', ['C1', 'C2']);
		expect(moved.order.slice(0, 4)).toEqual(['C4', 'C2', 'C3', 'C1']);
		const later = withChannels({...emptyArrangement, moved: moved.moved}, ['C1', 'C2', 'C4'], null);
		expect(later.order.slice(0, 3)).toEqual(['C4', 'C1', 'C2']);
	});

	it('exchanges two panes on the screen, and pins and hides by name', () => {
		expect(withPanesSwapped(arranged(4), 'C2', 'C1', ['C1', 'C2']).onScreen).toEqual(['C2', 'C1']);
		const pinned = withPinned(arranged(4), 'C2', ['C1', 'C2']);
		expect(withPinned(pinned, 'C2', ['C1', 'C2']).pinned.size).toBe(0);
		expect(withHidden(pinned, 'C2', true)).toMatchObject({onScreen: ['C1'], pinned: new Set()});
	});
});

describe('the numbers of panes', () => {
	const keys = (arrangement: Parameters<typeof numbersOf>[0]) =>
		[...numbersOf(arrangement)].map(([id, number]) => `${numberKey(number)} ${id}`);

	it('are the same for TASKS, AGENTS, INBOX and ALL however many channels there are; 0 is one’s own channel', () => {
		const fixed = [`6 ${tasksPane}`, `7 ${agentsPane}`, `8 ${inboxPane}`, `9 ${allPane}`];
		expect(keys(emptyArrangement)).toEqual(fixed);
		expect(keys(arranged(1, 'ME'))).toEqual(['1 C1', ...fixed, '0 ME']);
		expect(keys(arranged(5, 'ME'))).toEqual(['1 C1', '2 C2', '3 C3', '4 C4', '5 C5', ...fixed, '0 ME']);
		expect(keys(arranged(7, 'ME'))).toEqual(['1 C1', '2 C2', '3 C3', '4 C4', '5 C5', ...fixed, '0 ME', ' C6', ' C7']);
	});

	it('stay when channels come, whichever there were', () => {
		fc.assert(
			fc.property(fc.nat(5), fc.nat(12), (before, more) => {
				const old = arranged(before, 'ME');
				const next = withChannels(old, names(before + more), 'ME');
				const now = numbersOf(next);
				expect([...numbersOf(old)].filter(([id, number]) => now.get(id) !== number)).toEqual([]);
				expect(new Set(now.values()).size).toBe(now.size);
			}),
		);
	});

	it('follow a pane that the user moved, also one with a fixed number', () => {
		const moved = withPanesSwapped(arranged(2), tasksPane, 'C2', []);
		expect(keys(moved)).toEqual([
			'1 C1',
			`2 ${tasksPane}`,
			'3 C2',
			`7 ${agentsPane}`,
			`8 ${inboxPane}`,
			`9 ${allPane}`,
		]);
		expect(keys(withPanesSwapped(arranged(2), 'C2', tasksPane, []))).toEqual(keys(moved));
	});
});
