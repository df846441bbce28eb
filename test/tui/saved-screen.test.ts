import fc from 'fast-check';
import {describe, expect, it, onTestFinished} from 'vitest';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {mergedMarks, readAtStart, seenMarksOf, type SeenMarks} from '../../source/store/state/seen-marks.ts';
import {emptyState} from '../../source/store/state/state.ts';
import {createController} from '../../source/tui/app/controller.ts';
import {channelOrder} from '../../source/tui/model/channel-order.ts';
import {mergedRecent} from '../../source/tui/model/recent.ts';
import {agentsPane, allPane, inboxPane, tasksPane} from '../../source/tui/model/pane-id.ts';
import {parseScreen, serialized, type SavedScreen} from '../../source/tui/model/saved-screen.ts';
import {createUi, withChannels} from '../../source/tui/model/ui.ts';
import {keepScreen} from '../../source/tui/run/keep-screen.ts';
import {scenes} from '../fixtures/scenes.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const pane = fc.oneof(
	fc.constantFrom(tasksPane, agentsPane, inboxPane, allPane),
	fc.stringMatching(/^[A-Z][A-Z0-9_-]{0,31}$/),
);
const panes = fc.uniqueArray(pane, {maxLength: 20});
const numbered = fc.array(fc.tuple(pane, fc.nat()), {maxLength: 20}).map(pairs => new Map(pairs));
const texts = fc.uniqueArray(fc.string({minLength: 1, maxLength: 1000}), {maxLength: 50});
const marks = fc.record({epoch: fc.uuid(), from: fc.nat(), marks: numbered});
const screen: fc.Arbitrary<SavedScreen> = fc.record({
	arrangement: fc.record({
		onScreen: panes,
		hidden: panes.map(ids => new Set(ids)),
		pinned: panes.map(ids => new Set(ids)),
		moved: numbered,
		zoomed: fc.boolean(),
	}),
	focus: pane,
	recent: fc.record({searches: texts, commands: texts}),
	seen: fc.option(marks),
});

describe('a saved screen', () => {
	it('comes back as it was', () => {
		fc.assert(
			fc.property(screen, saved => {
				expect(parseScreen(serialized(saved))).toEqual({screen: saved, damaged: []});
			}),
		);
	});

	it('is read without the recent choices that an earlier version saved', () => {
		const saved = fc.sample(screen, 1)[0]!;
		const {recent: _, ...earlier} = JSON.parse(serialized(saved)) as {recent: unknown};
		expect(parseScreen(JSON.stringify(earlier))).toEqual({
			screen: {...saved, recent: {searches: [], commands: []}},
			damaged: [],
		});
	});

	it('keeps what two screens used, this one’s first, and nothing that is very long', () => {
		const one = {searches: ['b', 'a'], commands: ['help']};
		const other = {searches: ['c', 'a'], commands: ['quit', 'help']};
		expect(mergedRecent(one, other)).toEqual({searches: ['b', 'a', 'c'], commands: ['help', 'quit']});
		const saved = {...fc.sample(screen, 1)[0]!, recent: {searches: ['x'.repeat(2000), 'y'], commands: []}};
		expect(parseScreen(serialized(saved))?.screen.recent.searches).toEqual(['y']);
	});

	it('is ignored if it was cut off or is something else', () => {
		fc.assert(
			fc.property(screen, fc.double({min: 0, max: 1, maxExcluded: true, noNaN: true}), (saved, part) => {
				const text = serialized(saved).trimEnd();
				expect(parseScreen(text.slice(0, Math.floor(text.length * part)))).toBeNull();
			}),
		);
		fc.assert(
			fc.property(fc.json(), text => {
				expect(parseScreen(text)).toBeNull();
			}),
		);
		const good = JSON.parse(serialized(fc.sample(screen, 1)[0]!)) as object;
		expect(parseScreen(JSON.stringify({...good, version: 2}))).toBeNull();
	});

	it('loses no more than the field, or the entry of a list, that is damaged', () => {
		const saved: SavedScreen = {
			arrangement: {
				onScreen: ['A', tasksPane],
				hidden: new Set(['B']),
				pinned: new Set(['A']),
				moved: new Map([['A', 3]]),
				zoomed: true,
			},
			focus: 'A',
			recent: {searches: ['x'], commands: ['help']},
			seen: {epoch: 'one', from: 5, marks: new Map([['A', 9]])},
		};
		const {arrangement} = saved;
		const good = JSON.parse(serialized(saved)) as object;
		const others: ReadonlyArray<readonly [string, unknown, Partial<SavedScreen>]> = [
			['places', ['A', '\u001B[31m', tasksPane], {}],
			['places', 'A', {arrangement: {...arrangement, onScreen: []}}],
			['hidden', [1, 'B'], {}],
			['pinned', null, {arrangement: {...arrangement, pinned: new Set()}}],
			[
				'moved',
				[
					['A', -1],
					['A', 3],
				],
				{},
			],
			['zoomed', 'yes', {arrangement: {...arrangement, zoomed: false}}],
			['focus', '#thread:x', {focus: '#welcome'}],
			['seen', {epoch: 1}, {seen: null}],
			['recent', {searches: [1], commands: []}, {recent: {searches: [], commands: []}}],
			['recent', {searches: ['x'.repeat(1001)], commands: []}, {recent: {searches: [], commands: []}}],
		];
		for (const [field, value, lost] of others) {
			expect(parseScreen(JSON.stringify({...good, [field]: value}))).toEqual({
				screen: {...saved, ...lost},
				damaged: [field],
			});
		}
		expect(
			parseScreen(
				JSON.stringify({
					...good,
					seen: {
						epoch: 'one',
						from: 5,
						marks: [
							['\n', 3],
							['A', 9],
						],
					},
				}),
			)?.screen,
		).toEqual(saved);
	});

	it('comes back as it was whatever was pressed, also out of a thread', async () => {
		const {store, ui, press} = await openScreen();
		const memory: SavedScreen[] = [];
		let newest = 1000;
		const keys = [
			'tab',
			'j',
			'k',
			'G',
			'enter',
			'escape',
			'h',
			'l',
			'z',
			'P',
			'<',
			'>',
			'o',
			't',
			'1',
			'2',
			'6',
			'8',
			'9',
		];
		await fc.assert(
			fc.asyncProperty(fc.array(fc.constantFrom(...keys), {maxLength: 30}), async pressed => {
				const end = keepScreen(store, ui, {saved: null, notice: null, save: async kept => (memory.push(kept), null)});
				press(...pressed, 'k', 'enter');
				store.markSeen(ui.getState().focus, (newest += 1));
				ui.setState(({recent}) => ({recent: {...recent}}));
				await end();
				const kept = memory.at(-1)!;
				const read = parseScreen(serialized(kept))!;
				expect(read.damaged).toEqual([]);
				expect(serialized(read.screen)).toBe(serialized(kept));
				expect(kept.focus).not.toContain('thread');
			}),
		);
		expect(new Set(memory.map(({focus}) => focus)).size).toBeGreaterThan(2);
		expect(memory.some(({arrangement}) => arrangement.pinned.size > 0)).toBe(true);
		expect(memory.some(({seen}) => [...(seen?.marks.keys() ?? [])].some(feed => feed.startsWith('#THREAD:')))).toBe(
			true,
		);
	});
});

async function openScreen() {
	const server = new MemoryServer();
	await scenes['two']?.(server);
	const store = createMailboxStore(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}));
	await store.ready;
	onTestFinished(() => store.close());
	const ui = createUi({columns: 160, rows: 40});
	const channels = channelOrder(store.getState()).map(tag => tag.toUpperCase());
	ui.setState(withChannels(ui.getState(), channels));
	const nothing = (): void => {};
	const controller = createController({store, ui, redraw: nothing, suspend: nothing, rowOf: () => [], quit: nothing});
	const press = (...keys: readonly string[]): void => keys.forEach(key => controller.input({type: 'key', key}));
	return {store, ui, press};
}

describe('what was read', () => {
	const kept: SeenMarks = {epoch: 'one', from: 5, marks: new Map([['A', 9]])};

	it('still is at the next start, and not where the database is another one', () => {
		expect(readAtStart(kept, 'one', 20)).toEqual({seen_from: 5, seen: new Map([['A', 9]])});
		expect(readAtStart(kept, 'one', 7)).toEqual({seen_from: 5, seen: new Map([['A', 7]])});
		expect(readAtStart(kept, 'two', 20)).toEqual({seen_from: 20, seen: new Map()});
		expect(readAtStart(null, 'one', 20)).toEqual({seen_from: 20, seen: new Map()});
	});

	it('was read on either of two screens', () => {
		const other: SeenMarks = {
			epoch: 'one',
			from: 6,
			marks: new Map([
				['A', 8],
				['B', 7],
			]),
		};
		expect(mergedMarks(kept, other)).toEqual({
			epoch: 'one',
			from: 6,
			marks: new Map([
				['A', 9],
				['B', 7],
			]),
		});
		expect(mergedMarks(kept, {...other, epoch: 'two'})).toBe(kept);
	});

	it('is kept within bounds, and nothing that was read becomes unread by that', () => {
		const seen = new Map(Array.from({length: 1500}, (_, at) => [`T${at}`, 10 + at]));
		const bounded = seenMarksOf({...emptyState, loaded: true, epoch: 'one', seen_from: 3, seen});
		expect(bounded?.marks.size).toBe(1000);
		for (const [feed, id] of seen) {
			expect(Math.max(bounded?.from ?? 0, bounded?.marks.get(feed) ?? 0)).toBeGreaterThanOrEqual(id);
		}
	});
});
