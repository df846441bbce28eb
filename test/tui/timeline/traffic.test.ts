import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {Marks} from '../../../source/store/mark.ts';
import {countSign, createTraffic} from '../../../source/tui/timeline/traffic.ts';
import {messageRow} from '../../helpers/message.ts';

const from = Date.parse('2026-11-20T14:00:00Z');
const scale = {from, to: from + 100_000, columns: 100};
const lanes = new Map(['A', 'B', 'C'].map((tag, index) => [tag, index]));
const say = (id: number, second: number, content: string, reply_to: number | null = null) =>
	messageRow(id, content, {created_at: new Date(from + second * 1000).toISOString(), reply_to});

const trafficOf = (...given: Parameters<typeof createTraffic>) => createTraffic(...given).count();

function marksOf(...messages: Array<ReturnType<typeof say>>): Marks {
	const marks = new Marks();
	marks.add(messages);
	return marks;
}

describe('the traffic', () => {
	it('counts what each lane wrote by column, and knows for whom', () => {
		const marks = marksOf(say(1, 5, '[A] hi @B'), say(2, 5, '[A] hi @C @b'), say(3, 9, '[B] to everyone'));
		const {counts, toAll, links, total} = trafficOf(marks, lanes, scale, Infinity);
		expect(total).toBe(3);
		expect([counts[5], toAll[5]]).toEqual([2, 0]);
		expect([counts[109], toAll[109]]).toEqual([1, 1]);
		expect(links[5]).toEqual([
			[0, 1],
			[0, 2],
		]);
		expect(links[9]).toEqual([]);
	});

	it('ties an answer to what it answers, in the lane of who answers', () => {
		const {waits} = trafficOf(marksOf(say(1, 5, '[A] ready? @B'), say(2, 9, '[B] yes @A', 1)), lanes, scale, Infinity);
		expect(Array.from(waits.slice(100, 112))).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0]);
		expect(waits.slice(0, 100).some(count => count !== 0)).toBe(false);
	});

	it('knows nothing of what came after the moment', () => {
		const marks = marksOf(say(1, 5, '[A] ready? @B'), say(2, 9, '[B] yes @A', 1));
		const {total, waits} = trafficOf(marks, lanes, scale, from + 8000);
		expect(total).toBe(1);
		expect(waits.some(count => count !== 0)).toBe(false);
	});

	it('grows to the same as when it is counted at once', () => {
		const message = fc.record({
			second: fc.integer({min: 0, max: 99}),
			from: fc.constantFrom('A', 'B', 'C'),
			to: fc.constantFrom('A', 'B', 'C'),
			back: fc.nat({max: 9}),
		});
		fc.assert(
			fc.property(fc.array(message, {maxLength: 60}), fc.nat({max: 60}), (messages, cut) => {
				const rows = messages
					.toSorted((one, other) => one.second - other.second)
					.map(({second, from, to, back}, index) =>
						say(index + 1, second, `[${from}] x @${to}`, index > back ? index + 1 - back : null),
					);
				const marks = marksOf(...rows.slice(0, cut));
				const growing = createTraffic(marks, lanes, scale, Infinity);
				growing.count();
				marks.add(rows.slice(cut));
				expect(growing.count()).toEqual(trafficOf(marksOf(...rows), lanes, scale, Infinity));
			}),
		);
	});

	it('leaves lines out where too many cross', () => {
		const tags = ['A', 'B', 'C'];
		const all = tags.flatMap(one => tags.filter(other => other !== one).map(other => `[${one}] x @${other}`));
		const marks = marksOf(...all.map((content, index) => say(index + 1, 5, content)));
		expect(trafficOf(marks, lanes, scale, Infinity).links[5]).toBeNull();
	});

	it('counts each message of the window once, whatever their order', () => {
		const message = fc.record({second: fc.integer({min: -50, max: 150}), tag: fc.constantFrom('A', 'B', 'C')});
		fc.assert(
			fc.property(fc.array(message, {maxLength: 60}), messages => {
				const rows = messages.map(({second, tag}, index) => say(index + 1, second, `[${tag}] x`));
				const {counts, total} = trafficOf(marksOf(...rows), lanes, scale, Infinity);
				const inside = messages.filter(({second}) => second >= 0 && second < 100).length;
				expect(counts.reduce((sum, count) => sum + count, 0)).toBe(inside);
				expect(total).toBe(inside);
			}),
		);
	});
});

describe('the symbol of a cell', () => {
	it('distinguishes one, several and many', () => {
		expect([1, 2, 9, 10, 30, 100, 300].map(count => countSign(count, false)).join('')).toBe('●29░▒▓█');
		expect(countSign(1, true)).toBe('◆');
	});
});
