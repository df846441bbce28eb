import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {leaseLeft, scriptedClock, type ScriptedClock} from '../helpers/clock.ts';
import {agent, engines, human, type Caller, type MigratedDatabase, owner, type Row} from '../helpers/migrated.ts';

const A = agent('A');
const B = agent('B');
const hour = 3600;

describe.each(engines)('tasks when clocks change and hubs are down, on $engine', ({engine, open}) => {
	let database: MigratedDatabase;
	let clock: ScriptedClock;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.clear();
		clock = scriptedClock(database, engine);
	});
	afterEach(() => clock.restore());

	const add = async (title: string, more = ''): Promise<number> => {
		const [row] = await database.as(A, `select id from task_add($1${more === '' ? '' : `, ${more}`})`, [title]);
		return row!['id'] as number;
	};
	const claim = async (caller: Caller = A, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_claim(${how})`))[0];
	const finish = async (caller: Caller, id: number, token: number, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_finish($1, $2${how === '' ? '' : `, ${how}`})`, [id, token]))[0];
	const heartbeat = async (caller: Caller, id: number, token: number, lease = 60): Promise<Row | undefined> =>
		(await database.as(caller, 'select * from task_heartbeat($1, $2, $3)', [id, token, lease]))[0];
	const read = async (id: number): Promise<Row> =>
		(await database.as(B, 'select * from tasks where id = $1', [id]))[0]!;
	/** What a hub does each five seconds. */
	const hubLooks = () => database.as(owner, `select agentmux.reap('5 seconds')`);
	const hubStarts = () => database.as(owner, 'select agentmux.reap(null, true)');
	/** Time in which the hub runs. */
	const pass = async (seconds: number): Promise<void> => {
		for (let left = seconds; left > 0; left -= 5) {
			await clock.step(Math.min(left, 5));
			await hubLooks();
		}
	};

	describe.each([
		['back', -hour],
		['forward', hour],
	])('when the clock is put %s an hour', (_, step) => {
		test('a due task stays due, in its order', async () => {
			const low = await add('low', 'p_priority => -1');
			const first = await add('first');
			await clock.step(step);
			const urgent = await add('urgent', 'p_priority => 5');
			const second = await add('second');
			const order = [];
			for (let each = 0; each < 5; each++) order.push((await claim())?.['id']);
			expect(order).toEqual([urgent, first, second, low, undefined]);
		});

		test('a plan goes on in its order', async () => {
			const steps = `'[{"title": "one"}, {"title": "two"}]'`;
			const [, one, two] = await database.as(A, `select id from task_plan('plan', ${steps})`);
			await clock.step(step);
			expect(await claim()).toMatchObject({id: one!['id']});
			expect(await claim()).toBeUndefined();
			await clock.step(step);
			await finish(A, Number(one!['id']), 1);
			expect(await claim()).toMatchObject({id: two!['id']});
		});

		// A clock that is put forward looks like a nap.
		const grace = step > 0 ? 120 : 0;

		test('a lease has as much left as before, and a failed task is tried again no later', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			await pass(20);
			await clock.step(step);
			await hubLooks();
			expect(await leaseLeft(database, id)).toBeGreaterThan(30);
			expect(await leaseLeft(database, id)).toBeLessThanOrEqual(Math.max(50, grace));
			expect(await claim(B)).toBeUndefined();
			expect(await finish(A, id, 1, 'p_ok => false')).toMatchObject({status: 'queued', attempts: 1});
			await clock.step(step);
			expect(await claim(B)).toMatchObject({id, attempts: 2});
		});

		test('the lease of an owner that is gone runs out no later', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			await clock.step(step);
			await pass(Math.max(70, grace + 10));
			expect(await claim(B)).toMatchObject({id, attempts: 2});
			expect(await finish(A, id, 1)).toBeUndefined();
		});

		test('progress continues in the timeline', async () => {
			const id = await add('x');
			await claim();
			await database.as(A, 'select task_progress($1, 1, 0.5)', [id]);
			await clock.step(step);
			await database.as(A, 'select task_progress($1, 1, 0.75)', [id]);
			const told = await database.as(owner, 'select progress from events where task_id = $1 order by id', [id]);
			expect(told.at(-1)).toEqual({progress: 0.75});
		});
	});

	test('a time that a user gave is clock time', async () => {
		const id = await add('later', `p_run_at => clock_timestamp() + interval '30 minutes'`);
		await clock.step(-hour);
		expect(await claim()).toBeUndefined();
		await clock.step(hour + 1900);
		expect(await claim()).toMatchObject({id});
		await finish(A, id, 1, 'p_ok => false');
		// Put off by plain SQL: longer than any back-off, and no clock was set.
		await database.as(owner, `update tasks set run_at = clock_timestamp() + interval '1 day' where id = $1`, [id]);
		expect(await claim()).toBeUndefined();
	});

	describe('when the machine sleeps or the hub is down', () => {
		test('sleeping five times does not take the task from its only owner', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			for (let nap = 0; nap < 5; nap++) {
				await pass(30);
				await clock.step(2 * hour);
				await hubLooks();
				expect(await claim(B)).toBeUndefined();
				expect(await heartbeat(A, id, 1)).toMatchObject({status: 'running', attempts: 1});
			}
			expect(await finish(A, id, 1)).toMatchObject({status: 'done', attempts: 1});
		});

		test('nor does the first claim after the machine wakes up', async () => {
			const id = await add('x', 'p_max_attempts => 1');
			await claim(A, 'p_lease => 60');
			await pass(5);
			await clock.step(hour);
			expect(await claim(B)).toBeUndefined();
			expect(await read(id)).toMatchObject({status: 'running', lease_owner: 'A'});
		});

		test('nor do many naps, each of which a claim noticed first while the hub had nothing to look after', async () => {
			for (let nap = 0; nap < 6; nap += 1) {
				const id = await add(`task ${nap}`);
				await claim(A, 'p_lease => 60');
				await clock.step(hour);
				expect(await claim(B)).toBeUndefined();
				expect(await leaseLeft(database, id)).toBeGreaterThan(50);
				expect(await finish(A, id, 1)).toMatchObject({status: 'done'});
				await pass(10);
			}
		});

		test('a restart of the hub costs no lease, however short both are, and its owner has two minutes to be heard', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 2');
			await hubLooks();
			await clock.step(9);
			await hubStarts();
			expect(await read(id)).toMatchObject({status: 'running'});
			expect(await leaseLeft(database, id)).toBeGreaterThan(118);
			expect(await leaseLeft(database, id)).toBeLessThanOrEqual(120);
		});

		test('nor does it take a task whose lease ran out before from an owner that lives, until that is heard', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			await database.as(A, `select agent_touch('working', null, 'session')`);
			await pass(90);
			expect(await read(id)).toMatchObject({status: 'running'});
			// Longer than its last sign of life counts.
			await clock.step(600);
			await hubStarts();
			expect(await claim(B)).toBeUndefined();
			await pass(60);
			await database.as(A, `select agent_touch('working', null, 'session')`);
			await pass(90);
			expect(await claim(B)).toBeUndefined();
			expect(await finish(A, id, 1)).toMatchObject({status: 'done', attempts: 1});
		});

		test('an owner that does not come back loses it after the rest of its lease, or two minutes', async () => {
			const [id, long] = [await add('x'), await add('y')];
			await claim(A, 'p_lease => 60');
			await claim(A, 'p_lease => 200');
			await pass(30);
			await clock.step(hour);
			await pass(110);
			expect(await read(id)).toMatchObject({status: 'running'});
			await pass(20);
			expect(await read(id)).toMatchObject({status: 'queued', last_error: 'the lease of A ran out'});
			expect(await read(long)).toMatchObject({status: 'running'});
			await pass(50);
			expect(await read(long)).toMatchObject({status: 'queued'});
		});

		test('an owner that has signed off gets no time', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			await database.as(A, `select agent_touch('working', null, 'session')`);
			await database.as(A, `select agent_touch('away', null, 'session')`);
			await clock.step(hour);
			await pass(20);
			expect(await read(id)).toMatchObject({status: 'queued', last_error: 'A went away'});
		});

		test('a pause of seconds, as of a busy machine, gives no time either', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			await pass(30);
			await clock.step(40);
			await hubLooks();
			expect(await leaseLeft(database, id)).toBeLessThan(30);
		});

		test('without a hub, an occasional claim still gets it in the end', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			let tries = 0;
			let taken: Row | undefined;
			for (; taken === undefined && tries < 8; tries++) {
				await clock.step(600);
				taken = await claim(B);
			}
			expect(taken).toMatchObject({id});
			expect(tries).toBeLessThanOrEqual(5);
		});

		test("without a hub, the agents' servers check the leases", async () => {
			const id = await add('x');
			const other = await add('y');
			await claim(A, 'p_lease => 900');
			await claim(B, 'p_lease => 90');
			for (let minute = 0; minute < 3; minute++) {
				await clock.step(60);
				await heartbeat(A, id, 1, 900);
			}
			expect(await claim(A)).toMatchObject({id: other, lease_token: 2});
		});

		test('nothing is written while nothing is leased', async () => {
			await add('x');
			const at = async () => (await database.as(owner, 'select at, xmin::text from agentmux.lease_clock'))[0];
			const before = await at();
			await hubStarts();
			await hubLooks();
			await database.as(B, 'select task_reap()');
			expect(await at()).toEqual(before);
		});
	});

	describe('an agent’s server renews in one request', () => {
		const renew = async (caller: Caller, claims: readonly object[], others: number | null = null): Promise<unknown> =>
			(
				await database.as(caller, 'select to_jsonb(task_renew($1, $2)) as valid', [JSON.stringify(claims), others])
			)[0]?.['valid'];
		const left = (id: number) => leaseLeft(database, id);

		test('its claims, each for its time, and none gets shorter', async () => {
			const [one, two, long] = [await add('one'), await add('two'), await add('long')];
			await claim(A, 'p_lease => 60');
			await claim(A, 'p_lease => 60');
			await claim(A, 'p_lease => 3000');
			const claims = [
				{id: one, token: 1, lease: 900},
				{id: two, token: 1, lease: 100},
				{id: long, token: 1, lease: 900},
			];
			expect(await renew(A, claims)).toEqual([one, two, long]);
			expect(await left(one)).toBeGreaterThan(890);
			expect(await left(two)).toBeGreaterThan(90);
			expect(await left(two)).toBeLessThanOrEqual(100);
			expect(await left(long)).toBeGreaterThan(2900);
		});

		test('nobody else’s, and says which are not valid any more', async () => {
			const [gone, taken, mine, others] = [
				await add('gone'),
				await add('taken'),
				await add('mine'),
				await add('others'),
			];
			for (let each = 0; each < 3; each += 1) await claim(A, 'p_lease => 60');
			await claim(B, 'p_lease => 60');
			await database.as(human(), 'select task_cancel($1)', [gone]);
			await database.as(owner, `update tasks set lease_until = now() - interval '1 second' where id = $1`, [taken]);
			await claim(B, `p_id => ${taken}`);
			const claims = [gone, taken, mine, others].map(id => ({id, token: 1, lease: 900}));
			expect(await renew(A, [...claims, {id: mine, token: 7, lease: 900}, {id: 9999, token: 1, lease: 900}])).toEqual([
				mine,
			]);
			expect(await left(taken)).toBeLessThanOrEqual(60);
			expect(await left(others)).toBeLessThanOrEqual(60);
		});

		test('what it has lost to nobody yet', async () => {
			const id = await add('x');
			await claim(A, 'p_lease => 60');
			await pass(70);
			expect(await read(id)).toMatchObject({status: 'queued'});
			expect(await renew(A, [{id, token: 1, lease: 900}])).toEqual([id]);
			expect(await read(id)).toMatchObject({status: 'running', lease_owner: 'A', attempts: 1});
			expect(await left(id)).toBeGreaterThan(890);
		});

		test('and if asked to, what else its agent has claimed', async () => {
			const [mine, other, theirs] = [await add('mine'), await add('other'), await add('theirs')];
			for (const who of [A, A, B]) await claim(who, 'p_lease => 60');
			expect(await renew(A, [{id: mine, token: 1, lease: 100}])).toEqual([mine]);
			expect(await left(other)).toBeLessThanOrEqual(60);
			expect(await renew(A, [{id: mine, token: 1, lease: 100}], 900)).toEqual([mine]);
			expect(await left(mine)).toBeLessThanOrEqual(100);
			expect(await left(other)).toBeGreaterThan(890);
			expect(await left(theirs)).toBeLessThanOrEqual(60);
		});

		test.each([
			['that it names', (id: number) => renew(A, [{id, token: 1, lease: 900}])],
			['of its agent', () => renew(A, [], 900)],
		])('for six hours without any progress: a claim %s', async (_, renewed) => {
			const id = await add('x');
			await claim(A, 'p_lease => 900');
			await database.as(A, 'select task_progress($1, 1, 0)', [id]);
			for (let tenth = 0; tenth < 36; tenth += 1) {
				await renewed(id);
				await clock.step(590);
				await hubStarts();
			}
			await database.as(A, `select task_progress($1, 1, 0, 'still at it')`, [id]);
			for (let tenth = 0; tenth < 36; tenth += 1) {
				await renewed(id);
				await clock.step(590);
				await hubStarts();
				expect(await left(id)).toBeGreaterThan(120);
			}
			await clock.step(600);
			await hubStarts();
			for (let minute = 0; minute < 16; minute += 1) {
				await renewed(id);
				await pass(60);
			}
			expect(await read(id)).toMatchObject({status: 'queued', last_error: 'the lease of A ran out'});
			// Another may have it now; until then it is still the one who held it.
			expect(await renew(A, [{id, token: 1, lease: 900}])).toEqual([id]);
			expect(await read(id)).toMatchObject({status: 'queued'});
			expect(await finish(A, id, 1)).toMatchObject({status: 'done', attempts: 1});
		});

		test('nothing if it has no claim', async () => {
			await add('x');
			const before = await database.as(owner, 'select at, xmin::text from agentmux.lease_clock');
			expect(await renew(A, [], 900)).toEqual([]);
			expect(await database.as(owner, 'select at, xmin::text from agentmux.lease_clock')).toEqual(before);
		});
	});

	describe('a task whose lease expired', () => {
		const lapse = async (id: number): Promise<void> => {
			await database.as(owner, `update tasks set lease_until = clock_timestamp() - interval '1 second' where id = $1`, [
				id,
			]);
			await database.as(B, 'select task_reap()');
		};

		test.each([
			['finish', 'select * from task_finish($1, 1)', 'done'],
			['heartbeat', 'select * from task_heartbeat($1, 1)', 'running'],
			['progress', 'select * from task_progress($1, 1, 0.5)', 'running'],
		])('is still its last owner’s: %s', async (_, sql, status) => {
			const id = await add('x');
			await claim(A);
			await lapse(id);
			expect(await read(id)).toMatchObject({status: 'queued'});
			expect(await database.as(B, sql, [id])).toEqual([]);
			expect(await database.as(agent('a'), sql, [id])).toMatchObject([{status, attempts: 1, lease_token: 1}]);
		});

		test('is not restored to its owner once another has claimed it', async () => {
			const id = await add('x');
			await claim(A);
			await lapse(id);
			await claim(B);
			expect([await finish(A, id, 1), await heartbeat(A, id, 1)]).toEqual([undefined, undefined]);
			await lapse(id);
			expect([await finish(A, id, 1), await heartbeat(A, id, 1)]).toEqual([undefined, undefined]);
			expect(await finish(B, id, 2)).toMatchObject({status: 'done', attempts: 2});
		});

		test('in its last attempt comes back with all tasks that died with it', async () => {
			const plan = await add('plan');
			const id = await add('x', `p_parent_id => ${plan}, p_max_attempts => 1`);
			const next = await add('next', `p_depends_on => array[${plan}]::bigint[]`);
			await claim(A);
			await lapse(id);
			expect([await read(id), await read(plan), await read(next)]).toMatchObject([
				{status: 'dead'},
				{status: 'failed'},
				{status: 'cancelled'},
			]);
			expect(await finish(A, id, 1)).toMatchObject({status: 'done', attempts: 1, last_error: null});
			expect([await read(plan), await read(next)]).toMatchObject([{status: 'done'}, {status: 'queued'}]);
		});

		test('is not restored if it was assigned to another or cancelled', async () => {
			const [id, other] = [await add('x'), await add('y')];
			await claim(A);
			await claim(A);
			await lapse(id);
			await lapse(other);
			await database.as(human(), `select task_assign($1, 'B')`, [id]);
			await database.as(human(), 'select task_cancel($1)', [other]);
			expect(await heartbeat(A, id, 1)).toBeUndefined();
			expect(await heartbeat(A, other, 1)).toBeUndefined();
			await database.as(human(), 'select task_retry($1)', [other]);
			expect(await finish(A, other, 1)).toBeUndefined();
			expect(await read(other)).toMatchObject({status: 'queued'});
		});
	});

	describe('finishing twice', () => {
		const outcome = `p_result => '{"b": 1, "a": [2]}', p_result_table => 'reports'`;
		const events = async () => database.as(owner, 'select * from events order by id');

		test.each([
			['done', 'p_ok => true'],
			['failed', `p_ok => false, p_error => 'no luck'`],
		])('alike is once: %s', async (_, how) => {
			const id = await add('x');
			await claim(A);
			const first = await finish(A, id, 1, `${how}, ${outcome}`);
			const told = await events();
			expect(await finish(agent('a'), id, 1, `${how}, ${outcome}`)).toEqual(first);
			expect(await events()).toEqual(told);
			expect(await finish(B, id, 1, `${how}, ${outcome}`)).toBeUndefined();
		});

		test('with another outcome is refused, and the first stands', async () => {
			const id = await add('x');
			await claim(A);
			const first = await finish(A, id, 1, outcome);
			for (const how of ['', 'p_ok => false', `p_result => '{"b": 2}'`]) {
				await expect(finish(A, id, 1, how)).rejects.toMatchObject({
					code: '55000',
					message: `claim 1 of task ${id} was already finished with a different outcome`,
				});
			}
			expect(await read(id)).toEqual(first);
		});

		test('is too late once another has claimed it', async () => {
			const id = await add('x');
			await claim(A);
			await finish(A, id, 1, 'p_ok => false');
			await database.as(owner, 'update tasks set run_at = null');
			await claim(B);
			expect(await finish(A, id, 1, 'p_ok => false')).toBeUndefined();
			expect(await read(id)).toMatchObject({status: 'running', lease_owner: 'B'});
		});
	});
});
