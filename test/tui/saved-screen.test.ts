import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {mergedMarks, readAtStart, seenMarksOf, type SeenMarks} from '../../source/store/state/seen-marks.ts';
import {emptyState} from '../../source/store/state/state.ts';
import {mergedRecent} from '../../source/tui/model/recent.ts';
import {agentsPane, allPane, inboxPane, tasksPane} from '../../source/tui/model/pane-id.ts';
import {parseScreen, serialized, type SavedScreen} from '../../source/tui/model/saved-screen.ts';

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
				expect(parseScreen(serialized(saved))).toEqual(saved);
			}),
		);
	});

	it('is read without the recent choices that an earlier version saved', () => {
		const saved = fc.sample(screen, 1)[0]!;
		const {recent: _, ...earlier} = JSON.parse(serialized(saved)) as {recent: unknown};
		expect(parseScreen(JSON.stringify(earlier))).toEqual({...saved, recent: {searches: [], commands: []}});
	});

	it('keeps what two screens used, this one’s first, and nothing that is very long', () => {
		const one = {searches: ['b', 'a'], commands: ['help']};
		const other = {searches: ['c', 'a'], commands: ['quit', 'help']};
		expect(mergedRecent(one, other)).toEqual({searches: ['b', 'a', 'c'], commands: ['help', 'quit']});
		const saved = {...fc.sample(screen, 1)[0]!, recent: {searches: ['x'.repeat(2000), 'y'], commands: []}};
		expect(parseScreen(serialized(saved))?.recent.searches).toEqual(['y']);
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
		for (const [field, value] of [
			['places', ['\u001B[31m']],
			['moved', [['A', -1]]],
			['zoomed', 'yes'],
			['seen', {epoch: 1}],
			['recent', {searches: [1], commands: []}],
			['recent', {searches: ['x'.repeat(1001)], commands: []}],
			['version', 2],
		] as const) {
			const good = JSON.parse(serialized(fc.sample(screen, 1)[0]!)) as object;
			expect(parseScreen(JSON.stringify({...good, [field]: value}))).toBeNull();
		}
	});
});

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
