import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
	endingAt,
	momentOf,
	spanFor,
	timeWindowOf,
	withZoom,
	type TimelineView,
} from '../../../source/tui/model/timeline-view.ts';

const hour = 3_600_000;
const now = Date.parse('2026-11-20T14:20:00Z');
const live: TimelineView = {lanes: [], top: 0, span: hour, end: null, moment: null, speed: 10, selected: null};

describe('the window', () => {
	it('holds the present while it is live, and stands still between its steps', () => {
		fc.assert(
			fc.property(fc.integer({min: 0, max: hour}), later => {
				const {from, to} = timeWindowOf(live, now + later);
				expect(to - from).toBe(hour);
				expect(now + later).toBeGreaterThanOrEqual(from + hour * 0.8);
				expect(now + later).toBeLessThan(to);
			}),
		);
		expect(timeWindowOf(live, now)).toEqual(timeWindowOf(live, now + 1000));
	});

	it('always holds the moment that is shown', () => {
		fc.assert(
			fc.property(fc.integer({min: 1, max: 100 * hour}), fc.integer({min: 0, max: 50 * hour}), (ago, end) => {
				const view = {...live, end: now - end, moment: {at: now - ago, since: null}};
				const {from, to} = timeWindowOf(view, now);
				expect(now - ago).toBeGreaterThanOrEqual(from);
				expect(now - ago).toBeLessThan(to);
			}),
		);
	});

	it('keeps what is selected where it is when it zooms', () => {
		const at = now - 10 * hour;
		const view = endingAt({...live, selected: {kind: 'message', id: 1, at}}, at + hour / 4, now);
		const part = (each: TimelineView) => (at - timeWindowOf(each, now).from) / each.span;
		expect(part(view)).toBeCloseTo(0.75);
		expect(withZoom(view, 1, now).span).toBe(2 * hour);
		expect(part(withZoom(view, 1, now))).toBeCloseTo(0.75);
		expect(part(withZoom(view, -1, now))).toBeCloseTo(0.75);
	});

	it('goes with the time again once it would end in the future', () => {
		expect(endingAt(live, now + hour, now).end).toBeNull();
		expect(endingAt(live, now - hour, now).end).toBe(now - hour);
	});

	it('shows as much as it should, from ten minutes to a day', () => {
		expect([0, 50 * 60_000, hour, 400 * hour].map(spanFor)).toEqual([hour / 6, hour, 2 * hour, 24 * hour]);
	});
});

describe('the moment', () => {
	it('stands, or goes on as fast as it is played, until it is now', () => {
		const at = now - hour;
		expect(momentOf({...live, moment: {at, since: null}}, now)).toBe(at);
		expect(momentOf({...live, moment: {at, since: now - 60_000}}, now)).toBe(at + 600_000);
		expect(momentOf({...live, speed: 60, moment: {at, since: now - 60_000}}, now)).toBeNull();
		expect(momentOf(live, now)).toBeNull();
	});
});
