import {expect, test} from 'vitest';
import {doesNothing, type Doing, type Sight, type Stop} from '../../source/mailbox/sight/sight.ts';
import type {Agent, Presence} from '../../source/mailbox/agent.ts';
import {contextOf, doingText, sharedFileText} from '../../source/tui/settings/doing-words.ts';

const now = Date.parse('2026-12-03T12:00:00Z');
const agent = (presence: Presence): Agent => ({
	tag: 'A',
	kind: 'agent',
	role: null,
	presence,
	joined_at: '2026-12-03T11:00:00Z',
	last_seen_at: '2026-12-03T12:00:00Z',
	revoked_at: null,
	meta: {},
	sessions: 1,
	wake: null,
	damped: null,
	groups: [],
	paused: null,
	focused: false,
});
const sight = (doing: Partial<Doing> = {}, stop: Partial<Stop> | null = null): Sight => ({
	tag: 'A',
	doing: {...doesNothing, ...doing, updated_at: '2026-12-03T12:00:00Z'},
	stop:
		stop === null
			? null
			: {asked_by: 'HUMAN', asked_at: '2026-12-03T12:00:00Z', stopped_at: null, reason: null, ...stop},
	files: [],
});
const bash = {tool: 'Bash', argument: 'npm test\u001b[2J'};
const stopped = {stopped_at: '2026-12-03T12:00:00Z', reason: 'enough'};

test.each<[Presence, Sight | undefined, string | null]>([
	['working', sight(bash), 'Bash npm test␛[2J'],
	['blocked', sight({...bash, waiting_for: 'permission'}), 'waits: permission'],
	['working', sight({said: 'I think.'}), 'I think.'],
	['working', sight(), null],
	['idle', sight(bash), null],
	['away', sight(bash, stopped), null],
	['working', sight(bash, {}), 'asked to stop by HUMAN'],
	['idle', sight(bash, stopped), 'stopped by HUMAN: enough'],
	['working', sight(bash, stopped), 'Bash npm test␛[2J'],
	['working', undefined, null],
])('what an agent does that is %s', (presence, seen, text) => {
	expect(doingText(agent(presence), seen, now)).toBe(text);
});

test.each<[Partial<Doing>, string | null, string | null]>([
	[{tokens: 82_000, context_window: 200_000}, 'context 41%', '41%'],
	[{tokens: 250_000, context_window: 200_000}, 'context 100%', '100%'],
	[{tokens: 41_234}, '41k tokens', '41k'],
	[{tokens: 1_100_000}, '1.1M tokens', '1.1M'],
	[{tokens: 999}, '999 tokens', '999'],
	[{context_window: 200_000}, null, null],
])('how full its context is: %j', (doing, words, brief) => {
	expect(contextOf(agent('idle'), sight(doing), now)).toBe(words);
	expect(contextOf(agent('idle'), sight(doing), now, true)).toBe(brief);
	expect(contextOf(agent('away'), sight(doing), now)).toBeNull();
});

test('which file another one edits as well', () => {
	expect(sharedFileText({path: '/a/b/app.ts', tag: 'B', edited_at: ''})).toBe('B also edits app.ts');
});
