import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
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

describe.each(engines)('history on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const add = async (title = 'build'): Promise<number> =>
		(await database.as(A, 'select id from task_add($1)', [title]))[0]!['id'] as number;
	const touch = (presence: string, as = A) => database.as(as, 'select tag from agent_touch($1)', [presence]);
	const written = (kind: string): Promise<Row[]> =>
		database.as(B, 'select task_id, tag, state, progress from events where kind = $1 order by at, id', [kind]);
	const states = async (kind: string): Promise<unknown[]> => (await written(kind)).map(row => row['state']);
	/** Puts everything that was written so far this much further into the past. */
	const age = (interval: string) =>
		database.script(`update events set at = at - interval '${interval}';
			update agents set last_seen_at = last_seen_at - interval '${interval}', joined_at = joined_at - interval '${interval}'`);

	test('a task leaves a row for each status and owner that it had, and who owned it when it ended', async () => {
		const id = await add();
		await database.as(A, 'select from task_claim()');
		await database.as(A, `select from task_finish($1, 1, p_ok => false)`, [id]);
		await database.as(owner, 'update tasks set run_at = now() where id = $1', [id]);
		await database.as(B, 'select from task_claim()');
		await database.as(B, 'select from task_finish($1, 2)', [id]);
		expect(await written('task')).toEqual([
			{task_id: id, tag: null, state: 'queued', progress: 0},
			{task_id: id, tag: 'A', state: 'running', progress: 0},
			{task_id: id, tag: 'A', state: 'queued', progress: 0},
			{task_id: id, tag: 'B', state: 'running', progress: 0},
			{task_id: id, tag: 'B', state: 'done', progress: 1},
		]);
	});

	test('progress alone is recorded at most every five seconds, and leases and notes not at all', async () => {
		const id = await add();
		await database.as(A, 'select from task_claim()');
		for (const part of [0.1, 0.2, 0.3]) await database.as(A, 'select from task_progress($1, 1, $2)', [id, part]);
		await database.as(A, 'select from task_heartbeat($1, 1)', [id]);
		expect(await states('task')).toEqual(['queued', 'running']);
		await age('6 seconds');
		await database.as(A, `select from task_progress($1, 1, 0.4, 'nearly')`, [id]);
		await database.as(A, `select from task_progress($1, 1, 0.4, 'so nearly')`, [id]);
		expect((await written('task')).slice(2)).toEqual([{task_id: id, tag: 'A', state: 'running', progress: 0.4}]);
	});

	test('the last row of each task has its current state, whatever happened to it', async () => {
		const plan = await database.as(A, `select id from task_plan('plan', '[{"title":"one"},{"title":"two"}]')`);
		const [, one, two] = plan.map(row => row['id'] as number);
		await database.as(A, 'select from task_claim()');
		await database.as(A, 'select from task_finish($1, 1)', [one]);
		await database.as(B, 'select from task_claim()');
		await database.as(owner, `update tasks set lease_until = now() - interval '1 second' where id = $1`, [two]);
		await database.as(B, 'select task_reap()');
		await database.as(human(), 'select from task_cancel($1)', [plan[0]!['id']]);
		expect(
			await database.as(
				owner,
				`select t.id, t.status, e.state, t.progress = e.progress as same from tasks as t
				cross join lateral (select * from events where task_id = t.id order by at desc, id desc limit 1) as e order by t.id`,
			),
		).toMatchObject(plan.map(() => ({same: true})));
		expect(
			await database.as(
				owner,
				`select t.id from tasks as t where t.status is distinct from
				(select state from events where task_id = t.id order by at desc, id desc limit 1)`,
			),
		).toEqual([]);
	});

	test('an agent leaves a row when its presence changes, and none for a heartbeat', async () => {
		for (const presence of ['working', 'working', 'blocked', 'blocked', 'idle', 'away']) await touch(presence);
		await database.as(human(), `select from agent_revoke('A')`);
		await database.as(human(), `select from agent_restore('A')`);
		expect(await states('presence')).toEqual(['working', 'blocked', 'idle', 'away', 'revoked', 'away']);
	});

	test('an agent that was silent too long was gone from five minutes after its last sign on', async () => {
		await touch('working');
		await age('20 minutes');
		await touch('working');
		expect(
			await database.as(
				B,
				`select state, round(extract(epoch from clock_timestamp() - at) / 60)::int as minutes from events order by at`,
			),
		).toEqual([
			{state: 'working', minutes: 20},
			{state: 'gone', minutes: 15},
			{state: 'working', minutes: 0},
		]);
		await touch('away');
		await age('20 minutes');
		await touch('away');
		expect((await states('presence')).slice(3)).toEqual(['away']);
	});

	test('a human is never gone', async () => {
		await touch('idle', human());
		await age('20 minutes');
		await touch('idle', human());
		expect(await states('presence')).toEqual(['idle']);
	});

	test('events_between pages backwards through a range, then returns the states at its beginning', async () => {
		await add('ended before');
		await database.as(A, 'select from task_claim()');
		await database.as(A, 'select from task_finish(1, 1)');
		await add('goes on');
		await touch('away');
		await age('1 hour');
		// The row of a task that did not change since the range began says itself how it stood.
		await database.script(`alter table tasks disable trigger user;
			update tasks set updated_at = now() - interval '1 hour' where id = 1; alter table tasks enable trigger user`);
		await database.as(A, 'select from task_claim()');
		await touch('blocked');
		await touch('idle');
		const between = (more = '') =>
			database.as(B, `select id, state, at::text from events_between(now() - interval '30 minutes'${more})`);
		const statesOf = (rows: readonly Row[]) => rows.map(row => row['state']);
		expect(statesOf(await between())).toEqual(['idle', 'blocked', 'running', 'away', 'queued']);
		const first = await between(', p_limit => 2');
		expect(statesOf(first)).toEqual(['idle', 'blocked']);
		const {at, id} = first[1]!;
		expect(statesOf(await between(`, '${at as string}', ${id as number}, 2`))).toEqual(['running', 'away', 'queued']);
	});

	test('rows older than 30 days go, and those beyond 100,000', async () => {
		await touch('idle');
		await age('31 days');
		await add();
		const fill = (from: number) =>
			database.script(`insert into events (id, kind, at, tag, state) overriding system value
				select n, 'presence', now(), 'A', 'idle' from generate_series(${from}, ${from} + 99) as n`);
		await fill(450);
		expect(await database.as(owner, `select min(at) > now() - interval '1 day' as fresh from events`)).toEqual([
			{fresh: true},
		]);
		await fill(100_450);
		expect(await database.as(owner, 'select min(id) from events')).toEqual([{min: 501}]);
	});

	test('participants can read it, and only the service role can write it', async () => {
		await add();
		const read = (caller: typeof A) => database.as(caller, `select state from events_between('-infinity')`);
		expect(await read(A)).toEqual([{state: 'queued'}]);
		expect(await database.as(stranger, 'select from events')).toEqual([]);
		await expect(read(stranger)).rejects.toMatchObject({code: '42501'});
		await expect(read(anon)).rejects.toMatchObject({code: '42501'});
		for (const change of [
			`update events set state = 'done'`,
			'delete from events',
			`insert into events (kind, at, tag, state) values ('presence', now(), 'A', 'idle')`,
		]) {
			await expect(database.as(A, change)).rejects.toMatchObject({code: '42501'});
			await expect(database.as(human(), change)).rejects.toMatchObject({code: '42501'});
		}
		expect(await database.as(service(), `update events set state = 'done' returning state`)).toEqual([{state: 'done'}]);
	});

	test('a task that is deleted takes its history with it', async () => {
		await add();
		await database.script('delete from tasks');
		expect(await written('task')).toEqual([]);
	});
});
