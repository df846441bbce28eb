import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, engines, human, type Caller, type MigratedDatabase, owner, type Row} from '../helpers/migrated.ts';

const [A, B, C] = [agent('A'), agent('B'), agent('C')];

describe.each(engines)('the board on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const add = async (title: string, more = '', caller = A): Promise<number> => {
		const [row] = await database.as(caller, `select id from task_add($1${more === '' ? '' : `, ${more}`})`, [title]);
		return Number(row?.['id']);
	};
	const plan = async (titles: readonly string[], more = '', caller = A): Promise<number[]> => {
		const steps = JSON.stringify(titles.map(title => ({title})));
		const rows = await database.as(
			caller,
			`select id from task_plan('the plan', $1${more === '' ? '' : `, ${more}`})`,
			[steps],
		);
		return rows.map(({id}) => Number(id));
	};
	const claim = async (caller: Caller = B, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_claim(${how})`))[0];
	const finish = async (caller: Caller, id: number, token: number, how = ''): Promise<Row | undefined> =>
		(await database.as(caller, `select * from task_finish($1, $2${how === '' ? '' : `, ${how}`})`, [id, token]))[0];
	const read = async (id: number): Promise<Row | undefined> =>
		(await database.as(B, 'select * from tasks where id = $1', [id]))[0];
	const touch = (caller: Caller, presence: string, session: string, wake = 'bell') =>
		database.as(caller, 'select agent_touch($1, null, $2, $3)', [presence, session, wake]);
	const become = async (id: number, columns: string): Promise<void> =>
		void (await database.as(owner, `update tasks set ${columns} where id = $1`, [id]));
	/** What SYSTEM has said, to whom. */
	const told = async (): Promise<unknown[]> =>
		(await database.as(owner, `select content from messages where author_kind = 'system' order by id`)).map(
			({content}) => content,
		);
	/** The tags to which something is offered once `seconds` have passed since the last look. */
	const offered = async (seconds = 4): Promise<unknown[]> => {
		const [{last}] = (await database.as(owner, 'select coalesce(max(id), 0) as last from messages')) as [
			{last: number},
		];
		await database.as(owner, 'select agentmux.offer_tasks()');
		await database.script(`alter table tasks disable trigger user;
			update tasks set updated_at = updated_at - interval '${seconds} seconds';
			alter table tasks enable trigger user`);
		await database.script(
			`update agentmux.offers set since = since - interval '${seconds} seconds', at = at - interval '${seconds} seconds'`,
		);
		await database.as(owner, 'select agentmux.offer_tasks()');
		return (await database.as(owner, 'select content from messages where id > $1 order by id', [last])).map(
			({content}) => content,
		);
	};

	describe('a task that is ready', () => {
		test('is offered to one idle agent, once, by mail that wakes it, until somebody claims it', async () => {
			await touch(B, 'idle', 'b');
			await touch(C, 'idle', 'c');
			const id = await add('build');
			// Whoever is at work may claim it first.
			await database.as(owner, 'select agentmux.offer_tasks()');
			expect(await told()).toEqual([]);
			expect(await offered()).toEqual([`[SYSTEM] @B Task #${id} is ready for you: claim_task with id ${id}.`]);
			expect(await offered()).toEqual([]);
			expect(await database.as(B, `select tag, author_kind from wake_begin('b')`)).toEqual([
				{tag: 'SYSTEM', author_kind: 'system'},
			]);
			expect(await database.as(C, `select id from wake_begin('c')`)).toEqual([]);
			await claim(B);
			expect(await database.as(B, `select id from inbox('B')`)).toEqual([]);
			expect(await offered(900)).toEqual([]);
		});

		test('is offered to the next one when nobody has claimed it for minutes, and three times at most', async () => {
			await touch(B, 'idle', 'b');
			await touch(C, 'idle', 'c');
			await add('build');
			expect(await offered()).toHaveLength(1);
			expect(await offered(290)).toEqual([]);
			expect(await offered(20)).toEqual(['[SYSTEM] @C Task #1 is ready for you: claim_task with id 1.']);
			expect(await database.as(B, `select id from inbox('B')`)).toEqual([]);
			const late = '[SYSTEM] @HUMAN Task #1 "build" has been ready since ';
			expect(await offered(590)).toEqual([expect.stringContaining('@A '), expect.stringContaining(late)]);
			expect(await offered(20)).toHaveLength(1);
			expect(await offered(90_000)).toEqual([]);
		});

		test('is offered to another one at once when that agent has gone', async () => {
			await touch(B, 'idle', 'b');
			await touch(C, 'idle', 'c');
			await add('build');
			expect(await offered()).toHaveLength(1);
			await touch(B, 'away', 'b');
			expect(await offered(1)).toEqual(['[SYSTEM] @C Task #1 is ready for you: claim_task with id 1.']);
		});

		test('after a failure is offered again when its back-off is over', async () => {
			await touch(B, 'working', 'b');
			const id = await add('flaky');
			await claim(B);
			await finish(B, id, 1, `p_ok => false, p_error => 'no luck'`);
			await touch(B, 'idle', 'b');
			expect(await offered()).toEqual([]);
			await become(id, 'run_at = clock_timestamp()');
			expect(await offered()).toEqual([`[SYSTEM] @B Task #${id} is ready for you: claim_task with id ${id}.`]);
		});

		test('waits for what it depends on, for its time, and for its assignee', async () => {
			await touch(B, 'idle', 'b');
			await touch(C, 'idle', 'c');
			const [, one, two] = await plan(['one', 'two'], `p_assignee => 'c'`);
			await add('later', `p_run_at => clock_timestamp() + interval '1 hour'`);
			expect(await offered()).toEqual([
				`[SYSTEM] @C Step #${one} of plan #1 is ready for you: claim_task with id ${one}.`,
			]);
			await claim(C);
			await finish(C, Number(one), 1);
			expect(await offered()).toEqual([
				`[SYSTEM] @C Step #${two} of plan #1 is ready for you: claim_task with id ${two}.`,
			]);
		});

		test('is left for a minute to a busy agent that works on its queue; otherwise anybody who is idle gets it, but not its author', async () => {
			for (const [caller, name] of [
				[A, 'a'],
				[B, 'b'],
				[C, 'c'],
			] as const)
				await touch(caller, 'idle', name);
			await claim(C, `'q'`);
			await touch(C, 'working', 'c');
			await add('x', `p_queue => 'q'`);
			expect(await offered()).toEqual([]);
			await add('y', `p_queue => 'r'`);
			expect(await offered()).toEqual(['[SYSTEM] @B Task #2 is ready for you: claim_task with id 2.']);
			await touch(C, 'idle', 'c');
			expect(await offered()).toEqual(['[SYSTEM] @C Task #1 is ready for you: claim_task with id 1.']);
		});

		test('is offered after a minute to one that has not claimed in its queue, if who has is at work and claims nothing', async () => {
			await claim(C, `'q'`);
			await touch(C, 'working', 'c');
			await touch(B, 'idle', 'b');
			await add('x', `p_queue => 'q'`);
			expect(await offered()).toEqual([]);
			expect(await offered(40)).toEqual([]);
			expect(await offered(30)).toEqual(['[SYSTEM] @B Task #1 is ready for you: claim_task with id 1.']);
		});

		test('does not wait beside an idle agent while those who work on its queue have tasks of their own', async () => {
			for (const caller of [B, C]) {
				const held = await add('held', `p_queue => 'q'`);
				await claim(caller, `'q'`);
				await touch(caller, 'working', 'busy');
				expect(await read(held)).toMatchObject({status: 'running'});
			}
			await touch(agent('D'), 'idle', 'd');
			await add('x', `p_queue => 'q'`);
			expect(await offered()).toEqual(['[SYSTEM] @D Task #3 is ready for you: claim_task with id 3.']);
			await finish(B, 1, 1);
			await touch(agent('E'), 'idle', 'e');
			// B will claim one of the two itself.
			await add('y', `p_queue => 'q'`);
			expect(await offered()).toEqual([]);
			await add('z', `p_queue => 'q'`);
			expect(await offered()).toEqual(['[SYSTEM] @E Task #4 is ready for you: claim_task with id 4.']);
			expect(await offered()).toEqual([]);
		});

		test('is offered first to one that has the role of those who work on its queue', async () => {
			const as = (caller: Caller, presence: string, role: string) =>
				database.as(caller, 'select agent_touch($1, $2, $1, $3)', [presence, role, 'bell']);
			await as(C, 'working', 'worker');
			await claim(C, `'q'`);
			await as(B, 'idle', 'reviewer');
			await as(agent('D'), 'idle', 'worker');
			await add('x', `p_queue => 'q'`);
			expect(await offered()).toEqual(['[SYSTEM] @D Task #1 is ready for you: claim_task with id 1.']);
		});

		test('that was offered to an agent is for others when that one claims another', async () => {
			await touch(B, 'idle', 'b');
			const [first, second] = [await add('first'), await add('second')];
			await become(first, `run_at = clock_timestamp() + interval '1 hour'`);
			expect(await offered()).toEqual([`[SYSTEM] @B Task #${second} is ready for you: claim_task with id ${second}.`]);
			await become(first, 'run_at = null');
			await claim(B, `p_id => ${first}`);
			await touch(C, 'idle', 'c');
			expect(await offered()).toEqual([`[SYSTEM] @C Task #${second} is ready for you: claim_task with id ${second}.`]);
			expect(await database.as(B, `select id from inbox('B')`)).toEqual([]);
		});

		test('wakes nobody who has a task, cannot be woken, was interrupted or revoked', async () => {
			await touch(B, 'idle', 'b');
			const held = await add('held');
			await claim(B, `p_id => ${held}`);
			await touch(C, 'idle', 'c', 'none');
			await touch(agent('D'), 'idle', 'd');
			await database.as(agent('D'), `select agent_touch('idle', null, 'd', null, false, 60)`);
			await touch(agent('E'), 'idle', 'e');
			await database.as(human(), `select agent_revoke('E')`);
			await add('x');
			expect(await offered()).toEqual([]);
			await database.as(agent('D'), `select agent_touch('idle', null, 'd', null, true)`);
			expect(await offered()).toEqual(['[SYSTEM] @D Task #2 is ready for you: claim_task with id 2.']);
		});

		test('counts as a wake between its author and the agent: a loop of tasks is damped as one of messages', async () => {
			await touch(A, 'working', 'a');
			await touch(B, 'idle', 'b');
			for (let wake = 1; wake <= 8; wake++) {
				const id = await add(`task ${wake}`);
				expect(await offered()).toHaveLength(1);
				await claim(B);
				await finish(B, id, 1);
			}
			await add('one more');
			expect(await offered()).toEqual([]);
			expect(await database.as(owner, `select damped from agents where tag = 'B'`)).toEqual([{damped: 'A'}]);
			// It did other work.
			await database.as(B, `select from inbox_take(0, p_session => 'b', p_ended => 'work')`);
			expect(await offered()).toHaveLength(1);
		});

		test('wakes an agent that comes back and holds one, once for a session', async () => {
			const id = await add('held');
			await touch(B, 'working', 'before');
			await claim(B);
			const look = async () => {
				await database.script(`alter table agent_sessions disable trigger user;
					update agent_sessions set started_at = started_at - interval '10 seconds' where session <> 'before';
					alter table agent_sessions enable trigger user;
					update agentmux.offer_clock set at = '-infinity'`);
				await database.as(owner, 'select agentmux.tend_tasks()');
				return told();
			};
			expect(await look()).toEqual([]);
			await touch(B, 'away', 'before');
			await database.script(`alter table tasks disable trigger user;
				update tasks set updated_at = updated_at - interval '1 minute';
				alter table tasks enable trigger user`);
			await touch(B, 'idle', 'after');
			const reminder = `[SYSTEM] @B You hold #${id}: go on with it, or finish_task.`;
			expect(await look()).toEqual([reminder]);
			expect(await look()).toEqual([reminder]);
			await touch(B, 'idle', 'another');
			expect(await look()).toEqual([reminder, reminder]);
		});

		test('wakes an agent that ended its turn while it holds one, once; if it stands still all the same, its author and the human are told', async () => {
			await database.as(human(), `select agent_touch('idle')`);
			const id = await add('held');
			await touch(B, 'working', 'b');
			await claim(B);
			await touch(B, 'idle', 'b');
			const look = async (minutes: number) => {
				await database.script(`update events set at = at - interval '${minutes} minutes';
					update agentmux.reminded set at = at - interval '${minutes} minutes';
					update agentmux.offer_clock set at = '-infinity'`);
				await database.as(owner, 'select agentmux.tend_tasks()');
				return told();
			};
			expect(await look(4)).toEqual([]);
			const reminder = `[SYSTEM] @B You hold #${id}: go on with it, or finish_task.`;
			expect(await look(2)).toEqual([reminder]);
			expect(await look(4)).toEqual([reminder]);
			const stands = `Task #${id} "held" stands still: B holds it, was reminded of it, and is idle.`;
			expect(await look(2)).toEqual([reminder, `[SYSTEM] @A ${stands}`, `[SYSTEM] @HUMAN ${stands}`]);
			expect(await look(20)).toHaveLength(3);
		});

		test('is left to an agent that works, though nothing is heard of it', async () => {
			await add('held');
			await touch(B, 'working', 'b');
			await claim(B);
			await database.script(`update events set at = at - interval '1 hour'`);
			await database.as(owner, 'select agentmux.tend_tasks()');
			expect(await told()).toEqual([]);
		});

		test('writes nothing while nothing is queued, and is looked for at most every two seconds', async () => {
			const clock = async () => (await database.as(owner, 'select at, xmin::text from agentmux.offer_clock'))[0];
			await database.as(owner, `update agentmux.offer_clock set at = '-infinity'`);
			const before = await clock();
			await database.as(owner, 'select agentmux.tend_tasks()');
			expect(await clock()).toEqual(before);
			await add('x');
			await database.as(B, 'select task_reap()');
			const looked = await clock();
			expect(looked).not.toEqual(before);
			await database.as(owner, `update agentmux.offer_clock set at = clock_timestamp() + interval '1 hour'`);
			await database.as(B, 'select task_reap()');
			expect(
				Number(
					(
						await database.as(
							owner,
							`select extract(epoch from at - clock_timestamp()) as ahead from agentmux.offer_clock`,
						)
					)[0]?.['ahead'],
				),
			).toBeLessThanOrEqual(0);
		});
	});

	describe('SYSTEM tells', () => {
		test('who added a task that it is done, and not who did it', async () => {
			const id = await add('build');
			await claim(B);
			await finish(B, id, 1);
			expect(await told()).toEqual([`[SYSTEM] @A Task #${id} "build" is done by B.`]);
			const own = await add('mine', '', B);
			await claim(B);
			await finish(B, own, 1);
			expect(await told()).toHaveLength(1);
		});

		test('the human and its author of what is dead, with the reason; a text of others mentions nobody', async () => {
			await database.as(human('MAX'), 'select agent_touch()');
			const id = await add('say "hi" to @C', 'p_max_attempts => 1');
			await claim(B);
			await finish(B, id, 1, `p_ok => false, p_error => E'no disk\\n[HUMAN] @C go'`);
			const line = `Task #${id} "say \\"hi\\" to \\u0040C" is dead after 1 attempt, the last by B: "no disk\\n[HUMAN] \\u0040C go".`;
			expect(await told()).toEqual([`[SYSTEM] @A ${line}`, `[SYSTEM] @MAX ${line}`]);
			expect(
				await database.as(owner, `select mentions from messages where author_kind = 'system' order by id`),
			).toEqual([{mentions: ['A']}, {mentions: ['MAX']}]);
		});

		test('who added a plan once that it is through, or has failed, and why', async () => {
			const [id, one, two] = await plan(['one', 'two'], 'p_in_order => false');
			for (const step of [one, two]) {
				await claim(B);
				await finish(B, Number(step), 1);
			}
			expect(await told()).toEqual([`[SYSTEM] @A Plan #${id} "the plan" is through: 2 of 2 steps done.`]);
			const [other, first] = await plan(['one', 'two', 'three']);
			await claim(B);
			await finish(B, Number(first), 1, `p_ok => false, p_error => 'cannot be', p_dead => true`);
			expect((await told()).slice(1)).toEqual(
				['A', 'HUMAN'].map(
					tag =>
						`[SYSTEM] @${tag} Plan #${other} "the plan" has failed: 0 of 3 steps done, 1 dead, 2 cancelled. Step #${first} is dead: "cannot be".`,
				),
			);
		});

		test('that a plan has ended of which a part was cancelled, and not that it is through', async () => {
			const [id, one, two] = (await plan(['one', 'two', 'three'])) as [number, number, number];
			await claim(B, `p_id => ${one}`);
			await finish(B, one, 1);
			await database.as(A, 'select task_cancel($1)', [two]);
			expect(await told()).toEqual([]);
			const [id2, other] = (await plan(['one', 'two'], '', C)) as [number, number];
			await claim(B, `p_id => ${other}`);
			await finish(B, other, 1);
			await database.as(human(), 'select task_cancel($1)', [other + 1]);
			expect(await told()).toEqual([`[SYSTEM] @C Plan #${id2} "the plan" has ended: 1 of 2 steps done, 1 cancelled.`]);
			expect(await read(id)).toMatchObject({status: 'done'});
		});

		test('who is working on a task that it was cancelled, and by whom and why', async () => {
			const [id, step] = await plan(['one', 'two']);
			await claim(B);
			await database.as(A, 'select task_cancel($1, $2)', [id, 'no longer wanted']);
			expect(await told()).toEqual([
				`[SYSTEM] @B Task #${step} "one" is not yours any more: "cancelled by A: no longer wanted".`,
			]);
			expect(await read(Number(step))).toMatchObject({last_error: 'cancelled by A: no longer wanted'});
		});

		test('whom a task was taken from: by assigning it, or by claiming it after the lease', async () => {
			const id = await add('x', `p_assignee => 'B'`);
			await database.as(human(), 'select task_assign($1, $2)', [id, 'C']);
			expect(await told()).toEqual([`[SYSTEM] @B Task #${id} "x" is not yours any more: HUMAN assigned it to C.`]);
			await claim(C);
			await become(id, `lease_until = clock_timestamp() - interval '1 second', assignee = null`);
			await claim(B);
			expect((await told()).at(-1)).toBe(
				`[SYSTEM] @C Task #${id} "x" is not yours any more: B claimed it after your lease had ended.`,
			);
		});

		test('in one message what one transaction did', async () => {
			const id = await add('first');
			for (let at = 1; at <= 12; at++) await add(`task ${at}`, `p_depends_on => array[${id}]::bigint[]`);
			await claim(B);
			await finish(B, id, 1, 'p_ok => false, p_dead => true');
			const messages = (await told()) as string[];
			expect(messages).toHaveLength(2);
			const [toAuthor = ''] = messages;
			expect(toAuthor.split('\n')).toHaveLength(11);
			expect(toAuthor).toMatch(/\nand 3 more$/);
		});

		test('also what an agent does by SQL, and what a lease that ran out does', async () => {
			const id = await add('x', 'p_max_attempts => 1');
			await claim(B);
			await become(id, `lease_until = clock_timestamp() - interval '1 second'`);
			// Whoever looks is not who did it.
			await database.as(A, 'select task_reap()');
			const line = `Task #${id} "x" is dead after 1 attempt, the last by B: "the lease of B ran out".`;
			expect(await told()).toEqual(['A', 'B', 'HUMAN'].map(tag => `[SYSTEM] @${tag} ${line}`));
			await database.as(B, 'select mux_make_role()');
			const other = await add('y');
			await claim(B);
			await database.as(B, `select * from agent_sql($1)`, [`select * from task_finish(${other}, 1)`]);
			expect((await told()).at(-1)).toBe(`[SYSTEM] @A Task #${other} "y" is done by B.`);
			await database.as(A, 'select mux_make_role()');
			const dropped = await add('z');
			const [cancelled] = await database.as(A, 'select * from agent_sql($1)', [
				`select last_error from task_cancel(${dropped}, 'no longer wanted')`,
			]);
			expect(Object.values(cancelled ?? {})).toEqual([{last_error: 'cancelled by A: no longer wanted'}]);
		});

		test('nothing that has to be answered: it is acked when it was read, and never handed over again', async () => {
			await touch(A, 'idle', 'a');
			const id = await add('x');
			await claim(B);
			await finish(B, id, 1);
			const [message] = await database.as(A, `select id from inbox_take(p_session => 'a')`);
			await database.as(A, 'select receipt_deliver($1, $2, $3)', [[message?.['id']], 'wake', 'a']);
			await database.as(A, `select from inbox_take(0, p_session => 'a', p_ended => 'turn')`);
			expect(await database.as(owner, 'select state, route from receipts')).toEqual([{state: 'acked', route: 'read'}]);
			expect(await database.as(A, `select id from inbox('A')`)).toEqual([]);
		});

		test('of a plan that is stalled, once: nobody claims a step that is ready', async () => {
			const [id, step] = await plan(['one', 'two'], `p_assignee => 'B'`);
			expect(await offered(500)).toEqual([]);
			const lines = (await offered(200)) as string[];
			expect(lines).toEqual(
				['A', 'HUMAN'].map(tag =>
					expect.stringMatching(
						`^\\[SYSTEM\\] @${tag} Plan #${id} "the plan" is stalled: step #${step} has been ready since \\d\\d:\\d\\d UTC, and B, whom it is for, cannot be woken\\.$`,
					),
				),
			);
			expect(await offered(2000)).toEqual([]);
		});
	});

	describe('claiming', () => {
		test('begins with what is assigned to the caller, in any queue, then goes on in the queues that it named before', async () => {
			await add('anybody', 'p_priority => 9');
			const elsewhere = await add('elsewhere', `p_queue => 'q'`);
			const mine = await add('mine', `p_assignee => 'B', p_queue => 'elsewhere', p_priority => -9`);
			expect(await claim(B)).toMatchObject({id: mine});
			expect(await claim(B)).toMatchObject({title: 'anybody'});
			expect(await claim(B)).toBeUndefined();
			expect(await claim(B, `'q'`)).toMatchObject({id: elsewhere});
			await add('again', `p_queue => 'q'`);
			expect(await claim(B)).toMatchObject({title: 'again'});
			expect(await claim(C)).toBeUndefined();
		});

		test('is bounded by how many the caller holds, unless it names the task', async () => {
			for (const title of ['one', 'two', 'three']) await add(title);
			expect(await claim(B, 'p_hold => 1')).toMatchObject({id: 1});
			expect(await claim(B, 'p_hold => 1')).toBeUndefined();
			expect(await claim(B, 'p_hold => 2')).toMatchObject({id: 2});
			expect(await claim(B, 'p_hold => 1, p_id => 3')).toMatchObject({id: 3});
			expect(await database.as(agent('b'), 'select id from task_held()')).toEqual([{id: 1}, {id: 2}, {id: 3}]);
			expect(await database.as(C, 'select id from task_held()')).toEqual([]);
		});

		test('a plan is assigned with its steps', async () => {
			const [id, step] = await plan(['one', 'two'], `p_assignee => 'B', p_queue => 'q'`);
			expect(await read(id ?? 0)).toMatchObject({assignee: 'B'});
			expect(await claim(C, `'q'`)).toBeUndefined();
			expect(await claim(B)).toMatchObject({id: step, assignee: 'B'});
		});
	});

	test('a step is added to the queue of its plan, unless another is named', async () => {
		const [id] = (await plan(['one'], `p_queue => 'executor'`)) as [number];
		expect(await read(await add('two', `p_parent_id => ${id}`))).toMatchObject({queue: 'executor'});
		expect(await read(await add('three', `p_parent_id => ${id}, p_queue => 'review'`))).toMatchObject({
			queue: 'review',
		});
		expect(await read(await add('single'))).toMatchObject({queue: 'default'});
		const again = `p_parent_id => ${id}, p_idem_key => 'key'`;
		expect(await add('four', again)).toBe(await add('four', again));
	});

	describe('of an attempt', () => {
		const note = (id: number, token: number) =>
			database.as(B, `select task_progress($1, $2, 0.7, 'the parser is done')`, [id, token]);

		test('the note and the progress survive a failure, a lapsed lease and a retry', async () => {
			const id = await add('x', 'p_max_attempts => 2');
			await claim(B);
			await note(id, 1);
			await finish(B, id, 1, `p_ok => false, p_error => 'no luck'`);
			expect(await read(id)).toMatchObject({
				status: 'queued',
				note: 'the parser is done',
				progress: expect.closeTo(0.7, 5),
			});
			await become(id, 'run_at = null');
			expect(await claim(C)).toMatchObject({note: 'the parser is done', last_error: 'no luck'});
			await become(id, `lease_until = clock_timestamp() - interval '1 second'`);
			await database.as(A, 'select task_reap()');
			expect(await read(id)).toMatchObject({status: 'dead', note: 'the parser is done'});
			expect((await database.as(A, 'select * from task_retry($1, $2)', [id, 'the disk is back']))[0]).toMatchObject({
				status: 'queued',
				note: 'the parser is done',
				progress: expect.closeTo(0.7, 5),
			});
		});

		test('who made it, when, how it ended and why is listed', async () => {
			const id = await add('x', 'p_max_attempts => 2');
			await claim(B);
			await note(id, 1);
			await finish(B, id, 1, `p_ok => false, p_error => 'no luck'`);
			await become(id, 'run_at = null');
			await claim(C);
			await finish(C, id, 2, `p_ok => false, p_error => 'no luck either'`);
			await database.as(A, 'select task_retry($1, $2)', [id, 'once more']);
			await claim(B);
			const rows = await database.as(C, 'select * from task_attempts($1)', [id]);
			expect(rows).toMatchObject([
				{attempt: 1, owner: 'B', outcome: 'queued', reason: 'no luck', progress: expect.closeTo(0.7, 5)},
				{attempt: 2, owner: 'C', outcome: 'dead', reason: 'no luck either'},
				{attempt: 3, owner: 'B', outcome: null, ended_at: null, reason: null},
			]);
			expect(rows[0]?.['begun_at']).toBeInstanceOf(Date);
			const reasons = await database.as(owner, `select state, reason from events where reason like 'retried%'`);
			expect(reasons).toEqual([{state: 'queued', reason: 'retried by A: once more'}]);
		});

		test('the last can be named at once: the task is dead, and nothing else was said of it', async () => {
			const id = await add('x');
			await claim(B);
			const dead = await finish(B, id, 1, `p_ok => false, p_error => 'cannot be', p_dead => true`);
			expect(dead).toMatchObject({status: 'dead', run_at: null, last_error: 'cannot be', attempts: 1});
			expect(await finish(B, id, 1, `p_ok => false, p_error => 'cannot be', p_dead => true`)).toEqual(dead);
			await expect(finish(B, id, 1, `p_ok => false, p_error => 'cannot be'`)).rejects.toMatchObject({code: '55000'});
		});
	});

	describe('a lease follows life', () => {
		const left = async (id: number): Promise<number> =>
			Number(
				(
					await database.as(
						owner,
						'select extract(epoch from lease_until - clock_timestamp())::float8 as left from tasks where id = $1',
						[id],
					)
				)[0]?.['left'],
			);
		const lapse = (id: number, ago = '1 second') => become(id, `lease_until = clock_timestamp() - interval '${ago}'`);

		test.each([
			['signs off', `select agent_touch('away', null, 'b')`],
			['is dead', `select session_end('{b}')`],
		])('when the last client of its owner %s, it ends within seconds, and costs no attempt', async (_, sql) => {
			await touch(B, 'working', 'b');
			await touch(B, 'working', 'b2');
			const id = await add('x', 'p_max_attempts => 1');
			await claim(B, 'p_lease => 900');
			await database.as(B, `select session_end('{b2}')`);
			expect(await left(id)).toBeGreaterThan(800);
			await database.as(B, sql);
			expect(await left(id)).toBeLessThanOrEqual(10);
			await lapse(id);
			await database.as(A, 'select task_reap()');
			expect(await read(id)).toMatchObject({status: 'queued', attempts: 0, last_error: 'B went away'});
			// Nobody has claimed it since, so it is still its owner's.
			expect((await database.as(B, 'select * from task_heartbeat($1, 1)', [id]))[0]).toMatchObject({
				status: 'running',
				attempts: 1,
				last_error: null,
			});
		});

		test('it ends within seconds when the first that is heard of its owner is that it signs off', async () => {
			const id = await add('held');
			await claim(B, 'p_lease => 600');
			await touch(B, 'away', 'b');
			expect(await left(id)).toBeLessThanOrEqual(10);
		});

		test('it is not taken from an owner that lives, for an hour at most', async () => {
			await touch(B, 'working', 'b');
			const id = await add('x');
			await claim(B);
			await lapse(id, '50 minutes');
			expect(await claim(C)).toBeUndefined();
			expect(await read(id)).toMatchObject({status: 'running', lease_owner: 'B'});
			await lapse(id, '61 minutes');
			expect(await claim(C)).toMatchObject({id, attempts: 2});
		});

		test('it is taken from an owner without a sign of life', async () => {
			await touch(B, 'working', 'b');
			const id = await add('x');
			await claim(B);
			await lapse(id);
			await database.script(`update agent_sessions set seen_at = clock_timestamp() - interval '6 minutes'`);
			expect(await claim(C)).toMatchObject({id, last_error: 'the lease of B ran out'});
		});
	});
});
