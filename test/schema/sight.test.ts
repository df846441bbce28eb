import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
	type Caller,
	engines,
	human,
	type MigratedDatabase,
	owner,
	type Row,
	service,
	stranger,
} from '../helpers/migrated.ts';

const A = agent('A');
const B = agent('B');

describe.each(engines)('sight on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const works = (caller: Caller, session: string, presence = 'working') =>
		database.as(caller, 'select agent_touch(p_presence => $1, p_session => $2)', [presence, session]);
	const show = (caller: Caller, sight: object | null) =>
		database.as(caller, `select sight_set($1, 's')`, [sight === null ? null : JSON.stringify(sight)]);
	const sights = async (caller: Caller): Promise<Row[]> =>
		(await database.as(caller, 'select sights() as seen'))[0]!['seen'] as Row[];

	describe('what an agent does', () => {
		test('is one row, which is overwritten, read by humans and itself alone', async () => {
			await works(A, 's');
			await works(B, 's');
			await show(A, {
				client: 'claude',
				tool: 'Bash',
				argument: 'npm test',
				tokens: 41_000,
				tool_at: '2026-01-01T00:00:00Z',
			});
			await show(A, {client: 'claude', tool: 'Read', said: 'Done.'});
			await show(B, {tool: 'Write'});
			const tools = async (caller: Caller) =>
				(await sights(caller)).map(({tag, sight}) => [tag, (sight as Row)['tool']]);
			const both = [
				['A', 'Read'],
				['B', 'Write'],
			];
			expect(await tools(human())).toEqual(both);
			expect(await tools(owner)).toEqual(both);
			expect(await tools(service())).toEqual(both);
			expect(await tools(A)).toEqual([['A', 'Read']]);
			const rows = (caller: Caller) => database.as(caller, 'select tag, argument, tokens from mux_sight order by tag');
			expect(await rows(A)).toEqual([{tag: 'A', argument: null, tokens: null}]);
			expect(await rows(human())).toHaveLength(2);
			expect(await rows(stranger)).toEqual([]);
			await expect(rows(anon)).rejects.toMatchObject({code: '42501'});
		});

		test('is removed with null, and when the agent is forgotten', async () => {
			await works(A, 's');
			await works(B, 's');
			await show(A, {tool: 'Bash'});
			await show(B, {tool: 'Bash'});
			await show(A, null);
			expect((await sights(human())).map(({tag}) => tag)).toEqual(['B']);
			await database.as(owner, `delete from agents where tag = 'B'`);
			expect(await database.as(owner, 'select from mux_sight')).toEqual([]);
		});

		test('is small, and nobody but the agent writes it', async () => {
			await expect(show(A, {said: 'x'.repeat(2100)})).rejects.toMatchObject({code: '23514'});
			await expect(show(human(), {tool: 'Bash'})).rejects.toMatchObject({code: '42501'});
			await expect(show(stranger, {tool: 'Bash'})).rejects.toMatchObject({code: '42501'});
			await expect(database.as(A, `insert into mux_sight (tag) values ('A')`)).rejects.toMatchObject({code: '42501'});
			await expect(database.as(human(), `delete from mux_sight`)).rejects.toMatchObject({code: '42501'});
		});
	});

	/** What a hook gets after a step. */
	const step = async (
		caller: Caller,
		session: string,
		more: {edits?: string[]; machine?: string; ended?: string | null; stops?: boolean; hears?: boolean} = {},
	): Promise<Row> => {
		const {edits, machine = 'm', ended = 'batch', stops = true, hears = true} = more;
		const [row] = await database.as(
			caller,
			'select hook_take(p_session => $1, p_ended => $2, p_stops => $3, p_hears => $4, p_machine => $5, p_edits => $6) as taken',
			[session, ended, stops, hears, machine, edits === undefined ? null : JSON.stringify(edits)],
		);
		return row!['taken'] as Row;
	};

	describe('a hook between two steps', () => {
		test('takes what inbox_take takes, with the receipts as they were', async () => {
			await works(A, 's');
			await database.as(B, `insert into messages (content, meta) values ('[B] @A hello', '{"signature": {"k": 1}}')`);
			const first = await step(A, 's', {ended: null});
			expect(first['messages']).toMatchObject([
				{id: 1, content: '[B] @A hello', tag: 'B', mentions: ['A'], author_tag: 'B', verified: true, receipts: []},
			]);
			expect((first['messages'] as Row[])[0]).toMatchObject({signature: {k: 1}, reply_to: null, author_kind: 'agent'});
			expect(Date.parse((first['messages'] as Row[])[0]!['created_at'] as string)).not.toBeNaN();
			expect((await step(A, 's'))['messages']).toEqual([]);
			await database.as(A, `select receipt_deliver(array[1], 'tools', 's')`);
			await database.as(owner, `update receipts set lease_until = clock_timestamp() - interval '1 second'`);
			expect((await step(A, 's', {ended: null}))['messages']).toMatchObject([
				{id: 1, receipts: [{reader: 'A', attempts: 1, takes: 0}]},
			]);
		});

		test('says that a batch has ended', async () => {
			await works(A, 's');
			await database.as(B, `insert into messages (content) values ('[B] @A hello')`);
			await step(A, 's');
			await database.as(A, `select receipt_deliver(array[1], 'tools', 's')`);
			await step(A, 's');
			expect(await database.as(A, 'select state from receipts')).toEqual([{state: 'read'}]);
		});
	});

	describe('a stop', () => {
		const stop = (caller: Caller, tag: string | null, reason: string | null = null) =>
			database.as(caller, 'select tag, session from agent_stop($1, $2) order by 1, 2', [tag, reason]);
		const wish = {asked_by: 'HUMAN', reason: 'enough'};

		test('reaches each working client of the agent, until it was told, and no mail with it', async () => {
			await works(A, 'one');
			await works(A, 'two');
			await works(A, 'idle', 'idle');
			await works(B, 'one');
			await database.as(B, `insert into messages (content) values ('[B] @A hello')`);
			expect(await stop(human(), 'a', 'enough')).toEqual([
				{tag: 'A', session: 'one'},
				{tag: 'A', session: 'two'},
			]);
			expect(await step(A, 'idle', {ended: null})).toMatchObject({messages: [{id: 1}]});
			expect(await step(B, 'one')).not.toHaveProperty('stop');
			expect(await step(A, 'one', {stops: false})).not.toHaveProperty('stop');
			expect(await step(A, 'one')).toEqual({messages: [], stop: wish});
			// The client may not have seen it.
			expect(await step(A, 'one')).toEqual({messages: [], stop: wish});
			await database.as(A, `select agent_stopped('one')`);
			expect(await step(A, 'one')).not.toHaveProperty('stop');
			expect(await step(A, 'two')).toMatchObject({stop: wish});
			expect(await sights(human())).toMatchObject([{tag: 'A', stop: {asked_by: 'HUMAN', reason: 'enough'}}]);
		});

		test('leaves the client idle, and mail does not wake it at once', async () => {
			await works(A, 'one');
			await stop(human(), 'A');
			await database.as(A, `select agent_stopped('one')`);
			expect(await database.as(A, 'select presence from agents')).toEqual([{presence: 'idle'}]);
			await database.as(B, `insert into messages (content) values ('[B] @A hello')`);
			expect(await database.as(A, `select id from wake_begin('one')`)).toEqual([]);
			const [seen] = await sights(human());
			expect(seen!['stop']).toMatchObject({stopped_at: expect.any(String) as string, reason: null});
		});

		test('that its model was only told leaves the client as it is', async () => {
			await works(A, 'one');
			await stop(human(), 'A');
			await database.as(A, `select agent_stopped('one', false)`);
			expect(await database.as(A, 'select presence from agents')).toEqual([{presence: 'working'}]);
			expect(await step(A, 'one')).not.toHaveProperty('stop');
		});

		test.each([
			['its turn ends', () => works(A, 'one', 'idle')],
			['its client ends', () => works(A, 'one', 'away')],
			[
				'ten minutes pass',
				() => database.as(owner, `update mux_stops set asked_at = asked_at - interval '10 minutes'`),
			],
		])('is forgotten when %s', async (_, happen) => {
			await works(A, 'one');
			await stop(human(), 'A');
			await happen();
			await works(A, 'one');
			expect(await step(A, 'one')).not.toHaveProperty('stop');
		});

		test('of all reaches all that work; of an idle agent nobody', async () => {
			await works(A, 'one');
			await works(B, 'two', 'blocked');
			await works(agent('C'), 'three', 'idle');
			expect(await stop(owner, null)).toHaveLength(2);
			expect(await stop(human(), 'C')).toEqual([]);
			await expect(stop(human(), 'NOBODY')).rejects.toMatchObject({code: 'P0002'});
		});

		test('is for humans', async () => {
			await works(A, 'one');
			await expect(stop(B, 'A')).rejects.toMatchObject({
				code: '42501',
				message: expect.stringContaining('you are B') as string,
			});
			await expect(stop(A, null)).rejects.toMatchObject({code: '42501'});
			await expect(stop(stranger, 'A')).rejects.toMatchObject({code: '42501'});
			await expect(stop(anon, 'A')).rejects.toMatchObject({code: '42501'});
			await database.as(B, 'select mux_make_role()');
			await expect(database.as(B, `select agent_sql('select agent_stop(''A'')')`)).rejects.toMatchObject({
				code: '42501',
			});
			await expect(
				database.as(human(), `insert into mux_stops (tag, session) values ('A', 'one')`),
			).rejects.toMatchObject({
				code: '42501',
			});
			expect(await stop(service('HUMAN'), 'A')).toHaveLength(1);
		});
	});

	describe('two agents that edit the same file', () => {
		const told = async (caller: Caller, edits?: string[], machine = 'm') =>
			((await step(caller, 's', {...(edits === undefined ? {} : {edits}), machine}))['edits'] ?? []) as Row[];
		const later = (minutes: number) =>
			database.as(owner, `update mux_edits set edited_at = edited_at - make_interval(mins => $1)`, [minutes]);
		beforeEach(async () => {
			await works(A, 's');
			await works(agent('Beta'), 's');
		});
		const Beta = agent('Beta');

		test('are each told once, at their next step', async () => {
			expect(await told(A, ['/x', '/y'])).toEqual([]);
			expect(await told(Beta, ['/x'])).toMatchObject([{path: '/x', tag: 'A'}]);
			expect(await told(Beta, ['/x'])).toEqual([]);
			expect(await told(A)).toMatchObject([{path: '/x', tag: 'Beta'}]);
			expect(await told(A, ['/x'])).toEqual([]);
			expect(await told(Beta, ['/y'])).toMatchObject([{path: '/y', tag: 'A'}]);
		});

		test('are told only where a hook can say so', async () => {
			await told(A, ['/x']);
			expect(await step(Beta, 's', {edits: ['/x'], hears: false})).not.toHaveProperty('edits');
			expect(await told(Beta)).toMatchObject([{path: '/x', tag: 'A'}]);
		});

		test('are not told on different machines, or after ten minutes; and again when ten more have passed', async () => {
			await told(A, ['/x']);
			expect(await told(Beta, ['/x'], 'other')).toEqual([]);
			await later(11);
			expect(await told(Beta, ['/x'])).toEqual([]);
			expect(await told(A, ['/x'])).toHaveLength(1);
			expect(await told(Beta)).toHaveLength(1);
			await later(11);
			await database.as(owner, `update agentmux.told_edits set told_at = told_at - interval '11 minutes'`);
			await told(A, ['/x']);
			expect(await told(Beta, ['/x'])).toHaveLength(1);
		});

		test('are shown to humans, to each only its own part', async () => {
			await told(A, ['/x']);
			await told(Beta, ['/x']);
			expect(await sights(human())).toMatchObject([
				{tag: 'A', files: [{path: '/x', tag: 'Beta'}]},
				{tag: 'Beta', files: [{path: '/x', tag: 'A'}]},
			]);
			expect(await sights(A)).toMatchObject([{tag: 'A'}]);
			expect(await database.as(A, 'select tag from mux_edits')).toEqual([{tag: 'A'}]);
			await later(11);
			expect(await sights(human())).toEqual([]);
		});

		test('what is an hour old is removed, and names that are too long are left out', async () => {
			await told(A, ['/old']);
			await later(61);
			await told(Beta, [`/${'x'.repeat(1100)}`, '/new']);
			expect(await database.as(owner, 'select path from mux_edits')).toEqual([{path: '/new'}]);
		});
	});
});
