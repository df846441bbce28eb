import {describe, expect, it} from 'vitest';
import {presenceOf, type Agent} from '../../source/mailbox/agent.ts';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import {deliveriesOf, isKnownTag, meantTag} from '../../source/store/delivery.ts';
import {reduce} from '../../source/store/state/reduce.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {messageRow} from '../helpers/message.ts';

const now = Date.parse('2026-11-20T14:10:00.000Z');
const before = '2026-11-20T14:09:59.000Z';
const after = '2026-11-20T14:10:20.000Z';

function agent(tag: string, other: Partial<Agent> = {}): Agent {
	return {
		tag,
		kind: 'agent',
		role: null,
		presence: 'idle',
		joined_at: before,
		last_seen_at: before,
		revoked_at: null,
		sessions: 0,
		wake: null,
		damped: null,
		groups: [],
		paused: null,
		focused: false,
		meta: {},
		...other,
	};
}

const taken: Receipt = {
	message_id: 1,
	reader: 'CLAUDE_1',
	state: 'taken',
	route: 'hook',
	delivered_at: null,
	acked_at: null,
	attempts: 0,
	takes: 1,
	read_at: null,
	returned: 0,
	lease_until: after,
};

function stateWith(content: string, ...receipts: readonly Receipt[]): State {
	const agents = [agent('CLAUDE_1'), agent('CLAUDE_TWIN')];
	const changes = [
		{type: 'messages', messages: [messageRow(1, content)]},
		{type: 'agents', agents},
		{type: 'receipts', receipts},
		{type: 'loaded'},
	] as const;
	return changes.reduce(reduce, emptyState);
}

function rungs(state: State): string[] {
	const [message] = state.messages;
	return message === undefined ? [] : deliveriesOf(state, message, now).map(({reader, rung}) => `${reader} ${rung}`);
}

describe('a delivery', () => {
	it.each<[string, Partial<Receipt>]>([
		['taken', {}],
		// Somebody had it, and did not hand it over in time.
		['undelivered', {lease_until: before}],
		['undelivered', {takes: 2, read_at: null, returned: 0}],
		['delivered', {takes: 2, read_at: null, returned: 0, delivered_at: before}],
		// Never handed over is never stuck.
		['undelivered', {takes: 9, read_at: null, returned: 0, lease_until: before}],
		['delivered', {state: 'delivered', delivered_at: before}],
		// Handed over again: that it was delivered once stays true.
		['delivered', {state: 'taken', delivered_at: before, attempts: 2}],
		['acked', {state: 'acked', delivered_at: before, acked_at: before, lease_until: null, attempts: 5}],
		['delivered', {state: 'delivered', delivered_at: before, attempts: 5}],
		['stuck', {state: 'delivered', delivered_at: before, attempts: 5, lease_until: before}],
		['stuck', {state: 'taken', delivered_at: before, attempts: 5, lease_until: before}],
	])('is %s with the receipt %j', (rung, other) => {
		expect(rungs(stateWith('[HUMAN] @claude_1', {...taken, ...other}))).toEqual([`claude_1 ${rung}`]);
	});

	it('counts each reader once, whom the message names before who else got it, and never its own tag', () => {
		const state = stateWith('[CLAUDE_1] @CLAUDE_TWIN @CLAUDE_1 @HUMAN', {...taken, reader: 'OTHER'}, taken);
		expect(rungs(state)).toEqual(['CLAUDE_TWIN stored', 'HUMAN stored', 'OTHER taken']);
	});

	it('is for nobody if the tag never joined or wrote, once that is known', () => {
		const state = stateWith('[OLD_HAND] @CLAUDE_TWIM @OLD_HAND');
		expect(rungs(state)).toEqual(['CLAUDE_TWIM nobody']);
		expect(isKnownTag(state, 'old_hand')).toBe(true);
		expect(meantTag(state, 'CLAUDE_TWIM')).toBe('CLAUDE_TWIN');
		expect(meantTag(state, 'SOMETHING_ELSE')).toBeNull();
		expect(rungs({...state, loaded: false})).toEqual(['CLAUDE_TWIM stored']);
	});
});

describe('presence', () => {
	it('is gone after five minutes of silence, unless it left before or is a human', () => {
		const silent = {last_seen_at: '2026-11-20T14:04:59.000Z'};
		expect(presenceOf(agent('A', {presence: 'working', last_seen_at: '2026-11-20T14:05:01.000Z'}), now)).toBe(
			'working',
		);
		expect(presenceOf(agent('A', {presence: 'working', ...silent}), now)).toBe('gone');
		expect(presenceOf(agent('A', {presence: 'away', ...silent}), now)).toBe('away');
		expect(presenceOf(agent('A', {kind: 'human', ...silent}), now)).toBe('idle');
		expect(presenceOf(agent('A', {joined_at: '2026-11-20T13:00:00.000Z', last_seen_at: null}), now)).toBe('gone');
	});
});
