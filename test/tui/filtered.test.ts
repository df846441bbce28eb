import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {parseFilter} from '../../source/mailbox/filter/filter-parse.ts';
import {allFeed} from '../../source/store/state/feed.ts';
import {mergeById} from '../../source/store/state/ordered.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {withMatchesHighlighted, searchPattern} from '../../source/tui/model/matches.ts';
import {paneFilter} from '../../source/tui/model/pane-filter.ts';
import {filteredOf} from '../../source/tui/model/filtered.ts';
import {strip} from '../../source/tui/screen/strip.ts';
import {theme} from '../../source/tui/settings/theme.ts';
import {messageRow} from '../helpers/message.ts';
import {printable} from '../../source/printable.ts';

const now = Date.UTC(2026, 10, 25);
const filterFor = (query: string, state: () => State) =>
	paneFilter(query, parseFilter(query, now).filter, state(), state, now);
const row = (id: number) => messageRow(id, `[A] ${id % 3 === 0 ? 'hay' : 'needle'} ${id}`);

describe('the messages of a pane that match a filter', () => {
	it('is what it would be if each frame looked through everything that ever stood in the window', () => {
		const step = fc.oneof(
			fc.record({kind: fc.constant('append' as const), count: fc.integer({min: 0, max: 6})}),
			fc.record({kind: fc.constant('late' as const), back: fc.integer({min: 1, max: 5})}),
			fc.record({kind: fc.constant('trim' as const), keep: fc.integer({min: 0, max: 8})}),
			fc.record({kind: fc.constant('receipts' as const)}),
		);
		fc.assert(
			fc.property(fc.array(step, {maxLength: 30}), fc.constantFrom('needle', 'needle -is:stuck'), (steps, query) => {
				let state: State = {...emptyState, messages: [row(10), row(12)]};
				const filter = filterFor(query, () => state);
				const stood = new Set(state.messages.map(({id}) => id));
				const check = () => {
					const {recent, hidden} = filteredOf(state, allFeed, filter);
					const wanted = [...stood].filter(id => id % 3 !== 0).sort((one, other) => one - other);
					expect(recent.map(({id}) => id)).toEqual(wanted);
					expect(hidden).toBe(state.messages.filter(({id}) => id % 3 === 0).length);
				};
				check();
				for (const each of steps) {
					const last = state.messages.at(-1)?.id ?? Math.max(...stood);
					if (each.kind === 'append') {
						const fresh = Array.from({length: each.count}, (_, index) => row(last + 2 + index * 2));
						state = {...state, messages: mergeById(state.messages, fresh)};
					} else if (each.kind === 'late') {
						const late = row(last - each.back);
						if (late.id > (state.messages[0]?.id ?? Infinity)) {
							state = {...state, messages: mergeById(state.messages, [late])};
						}
					} else if (each.kind === 'trim') {
						const messages = each.keep === 0 ? state.messages : state.messages.slice(-each.keep);
						state = {...state, messages, from: messages[0]?.id ?? state.from};
					} else state = {...state, receipts: state.receipts.of(() => true)};
					for (const {id} of state.messages) stood.add(id);
					check();
				}
			}),
		);
	});

	it('does not mark messages as read by showing them', () => {
		let state: State = {...emptyState, seen_from: 2, messages: [row(1), row(2), row(4), row(5)]};
		const filter = filterFor('is:unread', () => state);
		expect(filteredOf(state, allFeed, filter).recent.map(({id}) => id)).toEqual([4, 5]);
		state = {...state, seen: new Map([['A', 5]]), messages: [...state.messages, row(7)]};
		expect(filteredOf(state, allFeed, filter).recent.map(({id}) => id)).toEqual([4, 5, 7]);
	});
});

describe('marks', () => {
	const markedText = (query: string, text: string): string => {
		const marks = searchPattern(parseFilter(query, now).filter);
		const line = strip([{text: printable(text), style: theme.text}]);
		if (marks === null) return '';
		const {glyphs, styles} = withMatchesHighlighted(line, marks);
		expect(glyphs).toBe(line.glyphs);
		return glyphs.map((glyph, cell) => (styles[cell] === theme.text ? '.' : glyph)).join('');
	};

	it.each([
		['gate', 'see source/gateway/rest.ts', '...........gate...........'],
		['"source gateway"', 'source/gateway', 'source/gateway'],
		['from:A -gate', 'gateway', ''],
		['x or y', 'x y xy', 'x.y.x.'],
		['日本', '日本語 ok', '日本.....'],
		['é', 'Été', 'É..'],
	])('of %j in %j are the words that are looked for', (query, text, found) => {
		expect(markedText(query, text)).toBe(found);
	});
});
