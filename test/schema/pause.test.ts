import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {leaseLeft} from '../helpers/clock.ts';
import {agent, engines, human, owner, type Caller, type MigratedDatabase, type Row} from '../helpers/migrated.ts';

const [A, B, C] = [agent('A'), agent('B'), agent('C')];

describe.each(engines)('a pause on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.clear();
		await database.script('delete from mux_pause_all');
		await touch(A, 'idle');
		await touch(B, 'idle');
	});

	const touch = (caller: Caller, presence: string) =>
		database.as(caller, `select agent_touch($1, null, $2, 'bell')`, [presence, `session of ${JSON.stringify(caller)}`]);
	const pause = (how: string, caller: Caller = human()) => database.as(caller, `select * from agent_pause(${how})`);
	const resume = (how: string, caller: Caller = human()) => database.as(caller, `select * from agent_resume(${how})`);
	const take = async (caller: Caller): Promise<number> =>
		(await database.as(caller, 'select id from inbox_take()')).length;
	const check = async (caller: Caller): Promise<Row> =>
		(await database.as(caller, 'select inbox_check() as found'))[0]!['found'] as Row;
	const send = (text: string) =>
		database.as(human(), `insert into messages (content) values ($1)`, [`[HUMAN] ${text}`]);
	const claim = async (caller: Caller, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_claim(${how})`))[0];
	const add = async (more = ''): Promise<number> =>
		Number((await database.as(human(), `select id from task_add('x'${more})`))[0]!['id']);
	const pauses = async () =>
		(await database.as(B, 'select tag, paused from agents order by tag')).map(({tag, paused}) => [
			tag,
			(paused as Row | null)?.['reason'] ?? (paused === null ? null : ''),
		]);

	test('nothing is handed over to it, and all of it after it was resumed', async () => {
		await send('@A @B one');
		expect(await pause(`'a', 'the database is moved'`)).toMatchObject([
			{tag: 'A', paused: {by: 'HUMAN', reason: 'the database is moved'}},
		]);
		await send('@A two');
		expect(await take(A)).toBe(0);
		expect(await check(A)).toMatchObject({
			messages: [],
			waiting: [],
			paused: {by: 'HUMAN', reason: 'the database is moved', at: expect.any(String)},
		});
		expect(await check(B)).toMatchObject({messages: [{body: '@A @B one'}]});
		expect(await database.as(A, `select * from wake_begin($1)`, [`session of ${JSON.stringify(A)}`])).toEqual([]);
		expect(await resume(`'A'`)).toMatchObject([{tag: 'A', paused: null}]);
		expect(await database.as(A, `select * from wake_begin($1)`, [`session of ${JSON.stringify(A)}`])).toHaveLength(2);
		expect(await take(A)).toBe(2);
		expect(await resume(`'A'`)).toEqual([]);
	});

	test('the end of a turn is still recorded, so that what it has read is read', async () => {
		await send('@A one');
		const [{id}] = (await database.as(A, `select id from inbox_take(p_session => 's')`)) as [{id: number}];
		await database.as(A, `select receipt_deliver(array[$1::bigint], 'hook', 's')`, [id]);
		await pause(`'A'`);
		await database.as(A, `select * from inbox_take(p_session => 's', p_ended => 'turn')`);
		expect(await database.as(A, 'select state from receipts where message_id = $1', [id])).toEqual([{state: 'read'}]);
	});

	test('it claims nothing, neither the next task nor its own, and is offered none', async () => {
		const id = await add(`, p_assignee => 'A'`);
		await pause(`'A'`);
		expect(await claim(A)).toBeUndefined();
		expect(await claim(A, `p_id => ${id}`)).toBeUndefined();
		await database.script(`alter table tasks disable trigger user;
			update tasks set updated_at = updated_at - interval '10 seconds';
			alter table tasks enable trigger user`);
		expect(await database.as(owner, 'select agentmux.offer_tasks() as offered')).toEqual([{offered: 0}]);
		await resume(`'A'`);
		expect(await database.as(owner, 'select agentmux.offer_tasks() as offered')).toEqual([{offered: 1}]);
		expect(await claim(A)).toMatchObject({id});
	});

	test('what it has claimed stays its own, and can be finished', async () => {
		const [one, two] = [await add(), await add()];
		await claim(A, 'p_lease => 60');
		await claim(A, 'p_lease => 60');
		await pause(`'A'`);
		await database.as(owner, `update agent_sessions set seen_at = seen_at - interval '3 hours'`);
		await database.as(owner, `update tasks set lease_until = lease_until - interval '3 hours'`);
		expect(await database.as(B, 'select task_reap()')).toEqual([{task_reap: 0}]);
		expect(await claim(B)).toBeUndefined();
		expect(await database.as(A, 'select status from task_finish($1, 1)', [one])).toEqual([{status: 'done'}]);
		await resume(`'A'`);
		expect(await claim(B)).toBeUndefined();
		expect(await leaseLeft(database, two)).toBeGreaterThan(110);
		expect(await leaseLeft(database, two)).toBeLessThanOrEqual(120);
		await database.as(owner, `update tasks set lease_until = clock_timestamp() - interval '1 second'`);
		expect(await claim(B)).toMatchObject({id: two});
	});

	test('of all is also that of those who join later, until all are resumed', async () => {
		await pause(`null, 'stop', true`);
		expect(await claim(C)).toBeUndefined();
		await touch(C, 'idle');
		expect(await pauses()).toEqual([
			['A', 'stop'],
			['B', 'stop'],
			['C', 'stop'],
		]);
		await database.as(human(), 'select agent_touch()');
		expect((await pauses()).at(-1)).toEqual(['HUMAN', null]);
		await send('@C one');
		await send('hello all');
		expect([await take(A), await take(C)]).toEqual([0, 0]);
		// One of them goes on.
		await resume(`'C'`);
		expect([await take(A), await take(C)]).toEqual([0, 2]);
		expect(await resume('null, true')).toMatchObject([{tag: 'A'}, {tag: 'B'}]);
		expect(await take(A)).toBe(1);
		const D = agent('D');
		await touch(D, 'idle');
		expect(await pauses()).toContainEqual(['D', null]);
	});

	test('that is there already stays as it is', async () => {
		await pause(`'A', 'first'`);
		await pause(`'A', 'second'`);
		await pause(`null, 'third', true`);
		expect(await pauses()).toEqual([
			['A', 'first'],
			['B', 'third'],
		]);
	});

	test('begins and ends by a human or the owner, and never by an agent', async () => {
		for (const call of [pause, resume]) {
			await expect(call(`'A'`, A)).rejects.toMatchObject({
				code: '42501',
				message: expect.stringContaining('only a human can'),
			});
			await expect(call(`'B'`, A)).rejects.toMatchObject({code: '42501'});
			await expect(call(call === pause ? `p_all => true` : `p_all => true`, A)).rejects.toMatchObject({code: '42501'});
		}
		await expect(database.as(A, `update agents set paused = '{}'`)).rejects.toMatchObject({code: '42501'});
		await expect(database.as(human(), `update agents set paused = '{}'`)).rejects.toMatchObject({code: '42501'});
		await expect(database.as(A, `insert into mux_pause_all (paused_by) values ('A')`)).rejects.toMatchObject({
			code: '42501',
		});
		await pause(`'A'`, owner);
		expect(await database.as(B, `select paused ->> 'by' as by from agents where tag = 'A'`)).toEqual([
			{by: 'plain SQL'},
		]);
		expect(await resume(`'A'`, owner)).toHaveLength(1);
	});

	test('needs an agent that has joined, or all of them', async () => {
		await database.as(human(), 'select agent_touch()');
		await expect(pause(`'NOBODY'`)).rejects.toMatchObject({code: 'P0002', message: 'NOBODY has not joined'});
		await expect(pause(`'HUMAN'`)).rejects.toMatchObject({code: '22023'});
		for (const how of ['', `'A', null, true`]) await expect(pause(how)).rejects.toMatchObject({code: '22023'});
		expect(await pauses()).toContainEqual(['A', null]);
	});

	test('is in the log, and not among what readers of earlier versions read', async () => {
		await pause(`'A', 'why'`);
		await resume(`'A'`);
		expect(await database.as(B, `select tag, state, reason from events where kind = 'pause' order by id`)).toEqual([
			{tag: 'A', state: 'paused', reason: 'HUMAN: why'},
			{tag: 'A', state: 'resumed', reason: 'HUMAN'},
		]);
		const kinds = await database.as(B, `select distinct kind from events_between(now() - interval '1 day')`);
		expect(kinds).toEqual([{kind: 'presence'}]);
	});
});
