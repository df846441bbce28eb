import {expect, test} from 'vitest';
import type {Agent} from '../../source/mailbox/agent.ts';
import {reduce} from '../../source/store/state/reduce.ts';
import {emptyState} from '../../source/store/state/state.ts';
import {forecastOf} from '../../source/tui/compose/forecast.ts';
import {createUi, emptyCompose} from '../../source/tui/model/ui.ts';
import {agentsLines} from '../../source/tui/panes/agents.ts';
import {presenceWords} from '../../source/tui/settings/words.ts';

const now = Date.parse('2026-11-20T14:10:00.000Z');
const at = '2026-11-20T14:09:59.000Z';
const agent: Agent = {
	tag: 'CLAUDE_1',
	kind: 'agent',
	role: null,
	presence: 'working',
	joined_at: at,
	last_seen_at: at,
	revoked_at: null,
	sessions: 1,
	wake: 'bell',
	damped: null,
	groups: [],
	paused: {at, by: 'HUMAN', reason: null},
	focused: false,
	meta: {},
};
const forecast = (text: string, whose = agent): readonly string[] | undefined => {
	const state = reduce(emptyState, {type: 'agents', agents: [whose]});
	return forecastOf(state, {...emptyCompose, editor: {text, cursor: text.length}}, now)?.wordings;
};

test('an agent that is paused is shown as paused, whatever it is doing', () => {
	expect(presenceWords(agent, now)).toMatchObject({words: expect.stringMatching(/^paused since /), mood: 'warn'});
	expect(presenceWords({...agent, paused: null}, now)).toMatchObject({words: 'in a turn'});
});

test('a draft for it says that it is delivered after resume, and a task for it that it is paused', () => {
	expect(forecast('@CLAUDE_1 hello ')).toEqual(['paused: delivered after resume', 'paused']);
	expect(forecast('/task @CLAUDE_1 hello')?.[0]).toContain('is paused');
});

test('a plain draft for a focused one waits for the end of its turn, an urgent one does not', () => {
	const focused = {...agent, paused: null, focused: true};
	expect(forecast('@CLAUDE_1 hello ', focused)?.[0]).toBe('focused: reads this after its turn');
	expect(forecast('/urgent @CLAUDE_1 hello ', focused)?.[0]).toBe('focused: reads this mid-turn');
	expect(forecast('@CLAUDE_1 hello ', {...focused, presence: 'idle'})?.[0]).toBe('idle: will be woken');
});

test('its tag is not cut to say since when it is paused', () => {
	const state = reduce({...emptyState, loaded: true}, {type: 'agents', agents: [{...agent, tag: 'CLAUDE_TWIN'}]});
	const ui = createUi({columns: 120, rows: 40}).getState();
	const lineOf = (width: number): string =>
		agentsLines(state, ui, {x: 0, y: 0, width, height: 10}, now)
			.map(({strip}) => strip.glyphs.join('').trimEnd())
			.find(each => each.includes('‖')) ?? '';
	expect(lineOf(24)).toMatch(/^ ‖ CLAUDE_TWIN +paused$/);
	expect(lineOf(40)).toMatch(/^ ‖ CLAUDE_TWIN +paused since \d\d:\d\d$/);
});
