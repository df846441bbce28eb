import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {presences, type Agent} from '../../source/mailbox/agent.ts';
import {receiptStates, type Receipt} from '../../source/mailbox/receipt.ts';
import {taskStatuses, type Task} from '../../source/mailbox/task.ts';
import type {Change} from '../../source/store/state/change.ts';
import {reduce} from '../../source/store/state/reduce.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {createScene} from '../../source/tui/app/scene.ts';
import {createUi, withChannels, type Ui} from '../../source/tui/model/ui.ts';
import type {Scene} from '../../source/tui/screen/grid.ts';
import {duration, sameDuration} from '../../source/tui/settings/words.ts';
import {messageRow} from '../helpers/message.ts';

/** Five minutes before a local midnight. */
const start = new Date(2026, 10, 20, 23, 55).getTime();
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const tags = ['CLAUDE_1', 'CLAUDE_2', 'REVIEWER'];

/** A distance in time, short or long, on a boundary of the words for it or beside it. */
const distance = fc
	.tuple(
		fc.oneof(
			fc.integer({min: 0, max: 150}).map(seconds => seconds * second),
			fc.integer({min: 0, max: 120}).map(minutes => minutes * minute),
			fc.integer({min: 0, max: 60}).map(hours => hours * hour),
		),
		fc.constantFrom(-500, -499, 0, 1, 500, 501),
	)
	.map(([far, near]) => far + near);
const iso = (at: number): string => new Date(at).toISOString();
const past = distance.map(far => iso(start - far));
const future = distance.map(far => iso(start + far));
const either = fc.oneof(past, future);

const agents: fc.Arbitrary<Agent[]> = fc.tuple(
	...tags.map(tag =>
		fc.record({
			tag: fc.constant(tag),
			kind: fc.constant('agent' as const),
			role: fc.constant(null),
			presence: fc.constantFrom(...presences),
			joined_at: past,
			last_seen_at: fc.option(past),
			revoked_at: fc.option(past, {freq: 5}),
			sessions: fc.integer({min: 0, max: 2}),
			wake: fc.constantFrom('bell' as const, null),
			damped: fc.constant(null),
			groups: fc.constant([]),
			paused: fc.option(
				past.map(at => ({at, by: 'HUMAN', reason: null})),
				{freq: 5},
			),
			focused: fc.boolean(),
			meta: fc.constant({}),
		}),
	),
);

function task(id: number): fc.Arbitrary<Task> {
	return fc.record({
		id: fc.constant(id),
		queue: fc.constant('default'),
		title: fc.constant(`task ${id}`),
		body: fc.constant(''),
		status: fc.constantFrom(...taskStatuses),
		priority: fc.integer({min: -1, max: 1}),
		run_at: fc.option(either),
		attempts: fc.integer({min: 0, max: 2}),
		max_attempts: fc.constant(3),
		lease_owner: fc.option(fc.constantFrom(...tags)),
		lease_token: fc.constant(1),
		lease_until: fc.option(either),
		// The later half may be steps of the earlier.
		parent_id: id > 4 ? fc.option(fc.integer({min: 1, max: 4})) : fc.constant(null),
		position: fc.constant(id),
		progress: fc.constantFrom(0, 0.4),
		note: fc.constant(null),
		depends_on: id > 1 ? fc.constantFrom([], [id - 1]) : fc.constant([]),
		idem_key: fc.constant(null),
		result: fc.constant(null),
		result_table: fc.constant(null),
		last_error: fc.constant(null),
		message_id: fc.constant(null),
		assignee: fc.option(fc.constantFrom(...tags)),
		created_by: fc.constant(null),
		created_at: past,
		updated_at: past,
	});
}

const count = 12;
const states: fc.Arbitrary<State> = fc
	.record({
		agents,
		tasks: fc.tuple(...Array.from({length: 8}, (_, index) => fc.option(task(index + 1)))),
		// Also by a clock that is ahead.
		written: fc.array(fc.oneof(past, past, future), {minLength: count, maxLength: count}),
		receipts: fc.array(
			fc.record({
				message_id: fc.integer({min: 1, max: count}),
				reader: fc.constantFrom(...tags),
				state: fc.constantFrom(...receiptStates),
				route: fc.constant('hook'),
				delivered_at: fc.option(past),
				read_at: fc.option(past),
				acked_at: fc.option(past),
				attempts: fc.integer({min: 0, max: 6}),
				returned: fc.integer({min: 0, max: 1}),
				takes: fc.integer({min: 0, max: 2}),
				lease_until: fc.option(either),
			} satisfies {[Key in keyof Receipt]: fc.Arbitrary<Receipt[Key]>}),
			{maxLength: 10},
		),
		connection: fc.oneof(
			{weight: 9, arbitrary: fc.constant({phase: 'live'} as const)},
			{
				weight: 1,
				arbitrary: distance.map(far => ({phase: 'offline', retry_at: start + far, reason: 'refused'}) as const),
			},
		),
		busy: fc.option(
			fc.constant({who: 'CLAUDE_1', since: start - 3000}).map(busy => busy as NonNullable<State['busy']>),
			{freq: 12},
		),
	})
	.map(({agents, tasks, written, receipts, connection, busy}) => {
		const messages = written
			.toSorted()
			.map((created_at, index) =>
				messageRow(index + 1, `[${tags[index % 3]}] word ${index} @${tags[(index + 1) % 3]}`, {created_at}),
			);
		const changes = [
			{type: 'messages', messages},
			{type: 'agents', agents},
			{type: 'tasks', tasks: tasks.filter(each => each !== null)},
			{type: 'receipts', receipts},
			{type: 'loaded'},
		] as const;
		const identity = {tag: 'HUMAN', kind: 'human', verified: true} as const;
		return {...changes.reduce(reduce, emptyState), identity, connection, busy};
	});

const screens: fc.Arbitrary<Ui> = fc
	.record({
		size: fc.constantFrom({columns: 300, rows: 80}, {columns: 120, rows: 40}, {columns: 80, rows: 24}),
		focus: fc.constantFrom('claude_1', '#tasks', '#agents', '#all', '#inbox'),
		selected: fc.option(fc.integer({min: 1, max: 8})),
		motion: fc.boolean(),
	})
	.map(({size, focus, selected, motion}) => {
		const ui = withChannels(
			createUi(size).getState(),
			tags.map(tag => tag.toLowerCase()),
		);
		const views = new Map(selected === null ? [] : [[focus, {anchor: null, selected: String(selected)}]]);
		return {...ui, focus, views, motion};
	});

/** When a clock that steps at most once a second is looked at; often just when something is due. */
const times = fc
	.array(fc.oneof(distance, fc.integer({min: 0, max: 30 * hour})), {minLength: 8, maxLength: 16})
	.map(distances => distances.toSorted((one, other) => one - other))
	.map(sorted => sorted.filter((far, index) => far - (sorted[index - 1] ?? -second) >= second).map(far => start + far));

/** What a screen shows of a state, as a frame at `now`. */
function framesOf(state: State, ui: Ui) {
	const clock = {now: start};
	const store = {getState: () => state, history: null} as never;
	const uiStore = {...createUi(ui), getState: () => ui};
	const scene = createScene({store, ui: uiStore, name: 'local hub', now: () => clock.now});
	return {scene, clock};
}

/** The same by a program that has shown nothing before. */
function fresh(state: State, ui: Ui, now: number): Scene {
	const {scene, clock} = framesOf(state, {...ui, run: {}});
	clock.now = now;
	return scene();
}

const idleAgent: Agent = {
	tag: 'CLAUDE_1',
	kind: 'agent',
	role: null,
	presence: 'idle',
	joined_at: iso(start - hour),
	last_seen_at: null,
	revoked_at: null,
	sessions: 1,
	wake: 'bell',
	damped: null,
	groups: [],
	paused: null,
	focused: false,
	meta: {},
};

const queuedTask: Task = {
	id: 1,
	queue: 'default',
	title: 'a task',
	body: '',
	status: 'queued',
	priority: 0,
	run_at: null,
	attempts: 0,
	max_attempts: 3,
	lease_owner: null,
	lease_token: 1,
	lease_until: null,
	parent_id: null,
	position: 0,
	progress: 0,
	note: null,
	depends_on: [],
	idem_key: null,
	result: null,
	result_table: null,
	last_error: null,
	message_id: null,
	assignee: null,
	created_by: null,
	created_at: iso(start),
	updated_at: iso(start),
};

/** A screen that shows the tasks beside the channel of CLAUDE_1. */
function opened(changes: readonly Change[]) {
	const live: Change[] = [{type: 'connection', connection: {phase: 'live'}}, {type: 'loaded'}];
	const state = [...changes, ...live].reduce(reduce, emptyState);
	const ui = {...withChannels(createUi({columns: 200, rows: 50}).getState(), ['claude_1']), focus: '#tasks'};
	return {...framesOf(state, ui), state, ui};
}

/** Glyphs in a row, then everything else about it. */
function inText({regions}: Scene): string {
	return regions
		.flatMap(({rect, lines}) => lines.map(line => `${line.strip.glyphs.join('')} ${JSON.stringify([rect, line])}`))
		.join('\n');
}

describe('what shows the time', () => {
	it('is drawn again as soon as a time on it changes, and then equals a frame of a new screen', () => {
		fc.assert(
			fc.property(states, screens, times, (state, ui, moments) => {
				const {scene, clock} = framesOf(state, {...ui, run: {}});
				let shown = '';
				for (const now of moments) {
					clock.now = now;
					if (scene.isOutdated?.() !== false) shown = inText(scene());
					expect(shown).toBe(inText(fresh(state, ui, now)));
				}
			}),
			{numRuns: 100},
		);
	});

	it('counts down each second until a lease has expired, and says when nobody has claimed a step for ten minutes', () => {
		const {scene, clock, state, ui} = opened([
			{type: 'agents', agents: [{...idleAgent, last_seen_at: iso(start + 15 * minute)}]},
			{
				type: 'tasks',
				tasks: [
					{...queuedTask, id: 1, status: 'running', lease_owner: 'CLAUDE_1', lease_until: iso(start + 130_300)},
					{...queuedTask, id: 2, status: 'done'},
					{...queuedTask, id: 3, run_at: iso(start + 20_200)},
					{...queuedTask, id: 4},
					{...queuedTask, id: 5, parent_id: 4},
				],
			},
		]);
		// The top line counts plans that stall, too.
		const withoutTasks = {
			...ui,
			run: {},
			arrangement: {...ui.arrangement, hidden: new Set(['#tasks'])},
			focus: 'claude_1',
		};
		const other = framesOf(state, withoutTasks);
		const words = new Set<string>();
		let [shown, otherShown] = ['', ''];
		for (let now = start; now < start + 11 * minute; now += second) {
			clock.now = now;
			other.clock.now = now;
			if (scene.isOutdated?.() !== false) shown = inText(scene());
			if (other.scene.isOutdated?.() !== false) otherShown = inText(other.scene());
			expect(shown).toBe(inText(fresh(state, ui, now)));
			expect(otherShown).toBe(inText(fresh(state, withoutTasks, now)));
			for (const [text] of shown.matchAll(/lease (?:\d+ \w+|expired)|stalled|\d+ s(?= ago)/g)) words.add(text);
		}
		expect([...words]).toEqual(
			expect.arrayContaining(['lease 2 min', 'lease 11 s', 'lease 1 s', 'lease expired', '0 s', '99 s', 'stalled']),
		);
		expect(otherShown.split('\n')[0]).toContain('1 stalled');
	});

	it('is not drawn again while the words for it stay the same', () => {
		const {scene, clock} = opened([
			{type: 'agents', agents: [{...idleAgent, last_seen_at: iso(start - minute)}]},
			{type: 'messages', messages: [messageRow(1, '[CLAUDE_1] hello', {created_at: iso(start - hour)})]},
		]);
		const drawn: number[] = [];
		for (let now = start; now < start + hour; now += second) {
			clock.now = now;
			if (scene.isOutdated?.() === false) continue;
			drawn.push((now - start) / second);
			scene();
		}
		// The first frame, when the agent counts as gone, and midnight.
		expect(drawn).toEqual([0, 241, 300]);
	});
});

describe('a duration', () => {
	it('has the same words within what is said to be the same, and others beside it', () => {
		fc.assert(
			fc.property(fc.oneof(distance, fc.integer({min: -5000, max: 9 * 24 * hour})), milliseconds => {
				const words = duration(milliseconds);
				const {min, max} = sameDuration(milliseconds);
				expect(min).toBeLessThanOrEqual(milliseconds);
				expect(max).toBeGreaterThanOrEqual(milliseconds);
				expect(duration(Math.max(min, -5000))).toBe(words);
				expect(duration(max)).toBe(words);
				expect(duration(max + 1)).not.toBe(words);
				expect(min > 0 ? duration(min - 1) : null).not.toBe(words);
			}),
		);
	});

	it.each([
		[0, '0 s'],
		[99_499, '99 s'],
		[99_500, '2 min'],
		[5_969_499, '99 min'],
		[5_969_500, '2 h'],
		[170_969_499, '47 h'],
		[170_969_500, '2 d'],
	])('of %i ms is %s', (milliseconds, words) => expect(duration(milliseconds)).toBe(words));
});
