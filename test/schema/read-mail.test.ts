import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {agent, engines, human, owner, type MigratedDatabase} from '../helpers/migrated.ts';

describe.each(engines)('mail that is read, or given back, on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterEach(() => database.clear());
	afterAll(() => database.close());

	const B = agent('B');
	const post = (content: string, reply: number | null = null) =>
		database.as(owner, 'insert into messages (content, reply_to) values ($1, $2)', [content, reply]);
	const as = (tag: string, content: string) =>
		database.as(agent(tag), 'insert into messages (content) values ($1)', [content]);
	const take = async (session: string, ended: string | null = null, limit = 20): Promise<unknown[]> =>
		(
			await database.as(B, 'select id from inbox_take(p_limit => $1, p_session => $2, p_ended => $3)', [
				limit,
				session,
				ended,
			])
		).map(({id}) => id);
	const deliver = (ids: readonly number[], route: string, session: string | null = 's1') =>
		database.as(B, 'select receipt_deliver($1, $2, $3)', [ids, route, session]);
	const states = async (): Promise<unknown[]> =>
		(await database.as(owner, `select state from receipts where reader = 'B' order by message_id`)).map(
			({state}) => state,
		);
	const lapse = () =>
		database.script('update receipts set lease_until = clock_timestamp() where lease_until is not null');

	test('what a hook handed over is read when the next batch of tools has ended, and never handed over again', async () => {
		await post('[A] @B x');
		expect(await take('s1')).toEqual([1]);
		await deliver([1], 'tools');
		// Another session's batch says nothing about this one.
		expect(await take('s2', 'batch')).toEqual([]);
		expect(await states()).toEqual(['delivered']);
		expect(await take('s1', 'batch')).toEqual([]);
		expect(await states()).toEqual(['read']);
		await database.script(`update receipts set lease_until = clock_timestamp() - interval '1 day'`);
		expect(await take('s1', 'turn')).toEqual([]);
		expect(await database.as(B, `select id from inbox('B')`)).toEqual([{id: 1}]);
	});

	test('what a tool of the batch returned is read one batch later, or with the turn', async () => {
		await post('[A] @B x');
		await post('[A] @B y');
		await take('s1');
		await deliver([1], 'mcp', null);
		await take('s1', 'batch', 0);
		expect(await states()).toEqual(['delivered', 'taken']);
		await take('s1', 'work', 0);
		expect(await states()).toEqual(['read', 'taken']);
		await deliver([2], 'mcp');
		await take('s1', 'turn', 0);
		expect(await states()).toEqual(['read', 'read']);
	});

	test('what was not read is given back: at once, then after a while that grows, and however often', async () => {
		await post('[A] @B x');
		const waits: unknown[] = [];
		for (let times = 1; times <= 8; times += 1) {
			expect(await take('s1')).toEqual([1]);
			await deliver([1], 'wake');
			expect(await database.as(B, `select receipt_return('other') as changed`)).toEqual([{changed: 0}]);
			expect(await database.as(B, `select receipt_return('s1') as changed`)).toEqual([{changed: 1}]);
			const [row] = await database.as(
				owner,
				'select round(extract(epoch from lease_until - clock_timestamp()))::int as wait, attempts, returned from receipts',
			);
			expect(row).toMatchObject({attempts: times, returned: times});
			waits.push(row?.['wait']);
			// Not marked as read by whoever goes on.
			await take('s1', 'turn', 0);
			expect(await states()).toEqual(['taken']);
			await lapse();
		}
		expect(waits).toEqual([0, 1, 2, 4, 8, 16, 32, 64]);
		// What was read or acked is not given back.
		await take('s1');
		await deliver([1], 'wake');
		await take('s1', 'turn', 0);
		expect(await database.as(B, `select receipt_return('s1') as changed`)).toEqual([{changed: 0}]);
	});

	test('a session that signs off or dies gives back what it had', async () => {
		await database.as(B, `select agent_touch('idle', null, 's1', 'bell')`);
		await database.as(B, `select agent_touch('working', null, 's2', 'bell')`);
		for (const text of ['one', 'two']) await post(`[A] @B ${text}`);
		await take('s1');
		await deliver([1, 2], 'wake');
		expect(await database.as(B, `select session_end('{s1,unknown}') as ended`)).toEqual([{ended: 1}]);
		expect(await take('s2')).toEqual([1, 2]);
		await deliver([1, 2], 'wake', 's2');
		await database.as(B, `select agent_touch('away', null, 's2')`);
		await lapse();
		expect(await take('s3')).toEqual([1, 2]);
		expect(await database.as(owner, `select presence, sessions from agents where tag = 'B'`)).toEqual([
			{presence: 'away', sessions: 0},
		]);
	});

	test('what a client had read comes again if it ends in the middle of the turn, and not after its end', async () => {
		const begin = (session: string) => database.as(B, `select agent_touch('working', null, $1, 'bell')`, [session]);
		await as('B', '[B] @A can you?');
		await post('[A] @B do this');
		await post('[A] @B I can', 1);
		await begin('s1');
		expect(await take('s1')).toEqual([2, 3]);
		await deliver([2, 3], 'wake');
		await take('s1', 'work', 0);
		expect(await states()).toEqual(['read', 'read']);
		// It is dead, and the human is told; the next one signs off; the third ends its turn before it dies.
		await database.as(B, `select session_end('{s1}')`);
		expect(await database.as(owner, `select content, author_kind from messages where id > 3`)).toEqual([
			{
				content:
					'[SYSTEM] @HUMAN The client of B has died. Unfinished mail, handed over again when it is started: #2, #3.',
				author_kind: 'system',
			},
		]);
		await begin('s2');
		expect(await take('s2')).toEqual([2, 3]);
		await deliver([2, 3], 'wake', 's2');
		await take('s2', 'work', 0);
		await database.as(B, `select agent_touch('away', null, 's2')`);
		await lapse();
		await begin('s3');
		expect(await take('s3')).toEqual([2, 3]);
		await deliver([2, 3], 'wake', 's3');
		await take('s3', 'turn', 0);
		expect(await states()).toEqual(['read', 'acked']);
		await database.as(B, `select session_end('{s3}')`);
		expect(await take('s4')).toEqual([]);
		expect(await database.as(owner, `select from messages where id > 4`)).toEqual([]);
	});

	test('a client that dies while its agent waits for answers is told, with the requests that nobody has answered', async () => {
		const begin = () => database.as(B, `select agent_touch('idle', null, 's1', 'bell')`);
		const told = async () =>
			(await database.as(owner, `select content from messages where author_kind = 'system'`)).map(
				({content}) => content,
			);
		await database.as(agent('A'), 'select agent_touch()');
		await database.as(agent('C'), 'select agent_touch()');
		await database.as(human(), 'select agent_touch()');
		// One to each that asks nothing of an agent: a human, nobody, everyone, itself; and an old one.
		for (const text of ['@HUMAN may I?', '@TYPO can you?', 'hello', '@B remember', '@A too old'])
			await as('B', `[B] ${text}`);
		await database.script(`alter table messages disable trigger user; update messages set created_at = created_at - interval '25 hours' where id = 5;
			alter table messages enable trigger user`);
		await as('B', '[B] @A answered');
		await post('[A] @B done', 6);
		// What answers a request is none itself, with reply_to and without.
		await database.as(B, `insert into messages (content, reply_to) values ('[B] @A thanks', 7)`);
		await post('[C] @B how many?');
		await begin();
		expect(await take('s1')).toContain(9);
		await deliver([9], 'wake');
		await as('B', '[B] @C three');
		await take('s1', 'turn', 0);
		await database.as(B, `select session_end('{s1}')`);
		expect(await told()).toEqual([]);
		await as('B', '[B] @A @C and this?');
		await post('[A] @B yes', 11);
		await as('B', '[B] @c and that?');
		// One that signs off is not told.
		await begin();
		await database.as(B, `select agent_touch('away', null, 's1')`);
		expect(await told()).toEqual([]);
		await begin();
		await database.as(B, `select agent_touch('idle', null, 's2', 'bell')`);
		for (const _ of [1, 2]) await database.as(B, `select session_end('{s1}')`);
		expect(await told()).toEqual([]);
		for (const _ of [1, 2]) await database.as(B, `select session_end('{s2}')`);
		expect(await told()).toEqual([
			'[SYSTEM] @HUMAN The client of B has died. Its requests that are not answered yet: #11, #13.',
		]);
	});

	test('what a client had read stays read if its user interrupts it, and if it was silent for a while and goes on', async () => {
		await post('[A] @B do this');
		for (const session of ['s1', 's2']) {
			await database.as(B, `select agent_touch('working', null, $1, 'bell')`, [session]);
			await post('[A] @B do that');
		}
		await take('s1', null, 1);
		await deliver([1], 'wake');
		await take('s2', null, 1);
		await deliver([2], 'wake', 's2');
		await take('s1', 'work', 0);
		await take('s2', 'work', 0);
		await database.as(B, `select receipt_return('s1')`);
		await database.as(B, `select session_end('{s1}')`);
		await database.script(`update agent_sessions set seen_at = seen_at - interval '6 minutes'`);
		await database.as(B, `select agent_touch('working', null, 's2', 'bell')`);
		expect(await states()).toEqual(['read', 'read']);
	});

	test('an answer to its own message and a broadcast are done with when they are read; a question is not', async () => {
		await database.as(B, 'select agent_touch()');
		await as('B', '[B] @A can you?');
		await post('[A] @B done', 1);
		await post('[A] news for all');
		await post('[A] @B and you?');
		expect(await take('s1')).toEqual([2, 3, 4]);
		await deliver([2, 3, 4], 'prompt');
		await take('s1', 'turn', 0);
		expect(await states()).toEqual(['acked', 'acked', 'read']);
	});

	test('whoever writes to the sender has answered what it was handed, by the role well; a reply answers that alone', async () => {
		await database.as(B, 'select agent_touch()');
		for (const text of ['[A] @B one', '[C] @B two', '[A] @B three']) await post(text);
		await take('s1');
		await deliver([1, 2], 'prompt');
		await post('[B] @D hello');
		expect(await states()).toEqual(['delivered', 'delivered', 'taken']);
		// The third was not handed over yet.
		await post('[B] @A Task X completed');
		expect(await states()).toEqual(['acked', 'delivered', 'taken']);
		await deliver([3], 'prompt');
		await post('[B] to another', 1);
		expect(await states()).toEqual(['acked', 'delivered', 'delivered']);
		await post('[B] Task X completed, results stored in table x');
		expect(await states()).toEqual(['acked', 'acked', 'acked']);
	});

	test('a human who writes to an agent has not thereby dealt with what that agent asked', async () => {
		await database.as(human('B'), 'select agent_touch()');
		await post('[A] @B which one?');
		await database.as(human('B'), `select receipt_deliver('{1}', 'tui')`);
		await database.as(human('B'), `insert into messages (content) values ('[B] @A go on with the other')`);
		expect(await states()).toEqual(['delivered']);
	});

	const wake = async (tag: string, session: string): Promise<unknown[]> =>
		(await database.as(agent(tag), 'select id from wake_begin($1)', [session])).map(({id}) => id);
	const idle = (tag: string, session: string, prompted = false) =>
		database.as(agent(tag), `select agent_touch('idle', null, $1, 'bell', $2)`, [session, prompted]);

	test('of several sessions the one that was prompted last is woken, and another when that one takes nothing', async () => {
		await idle('B', 's1');
		await idle('B', 's2', true);
		await idle('B', 's3');
		expect(await wake('B', 's2')).toEqual([]);
		await post('[A] @B x');
		expect(await wake('B', 's1')).toEqual([]);
		expect(await wake('B', 's2')).toEqual([1]);
		// Once, however often it rings.
		for (const session of ['s1', 's2', 's3']) expect(await wake('B', session)).toEqual([]);
		await database.script(
			`update agent_sessions set woken_at = woken_at - interval '11 seconds' where woken_at is not null`,
		);
		expect(await wake('B', 's2')).toEqual([]);
		expect(await wake('B', 's3')).toEqual([1]);
		await database.as(B, `select agent_touch('working', null, 's1'), agent_touch('working', null, 's3')`);
		expect(await take('s3')).toEqual([1]);
		await post('[A] @B y');
		// The others work.
		expect(await wake('B', 's1')).toEqual([]);
		await idle('B', 's1');
		expect(await wake('B', 's1')).toEqual([2]);
	});

	test('a session that its user interrupted is left in peace for a while', async () => {
		await database.as(B, `select agent_touch('idle', null, 's1', 'bell', false, 60)`);
		await post('[A] @B x');
		expect(await wake('B', 's1')).toEqual([]);
		await database.as(B, `select agent_touch('idle', null, 's1', 'bell', true)`);
		expect(await wake('B', 's1')).toEqual([1]);
	});

	test('two agents wake each other eight times; then their mail waits until one works, a human writes or lets them go on', async () => {
		const turn = async (from: string, to: string): Promise<boolean> => {
			await as(from, `[${from}] @${to} thank you`);
			await database.as(agent(to), `select agent_touch('idle', null, 's1', 'bell')`);
			const woken = (await wake(to, 's1')).length > 0;
			await database.as(agent(to), `select agent_touch('working', null, 's1')`);
			await database.as(agent(to), `select receipt_ack(array(select id from messages), 'mcp')`);
			return woken;
		};
		const thank = async (rounds: number): Promise<number> => {
			let woken = 0;
			for (let round = 0; round < rounds; round += 1)
				for (const [from, to] of [
					['B', 'C'],
					['C', 'B'],
				] as const)
					if (await turn(from, to)) woken += 1;
			return woken;
		};
		const damped = () => database.as(owner, `select tag, damped from agents where damped is not null order by tag`);
		expect(await thank(10)).toBe(8);
		expect(await damped()).toEqual([
			{tag: 'B', damped: 'C'},
			{tag: 'C', damped: 'B'},
		]);
		// Mail of another still wakes, and so does a human's; that lets both go on.
		expect(await turn('D', 'B')).toBe(true);
		await database.as(human(), `insert into messages (content) values ('[HUMAN] @B go on')`);
		expect(await damped()).toEqual([]);
		expect(await thank(10)).toBe(8);
		await database.as(B, `select inbox_take(p_limit => 0, p_session => 's1', p_ended => 'batch')`);
		expect(await thank(1)).toBe(0);
		await database.as(B, `select inbox_take(p_limit => 0, p_session => 's1', p_ended => 'work')`);
		expect(await damped()).toEqual([]);
		expect(await thank(5)).toBe(8);
		await expect(database.as(B, `select agent_undamp('C')`)).rejects.toThrow('only a human');
		await database.as(human(), `select agent_undamp('c')`);
		expect(await damped()).toEqual([]);
		expect(await turn('B', 'C')).toBe(true);
	});

	test('two agents that change what the other one watches are damped, too, although they work', async () => {
		await database.script(
			'create table if not exists one (n int); create table if not exists two (n int); grant all on one, two to authenticated',
		);
		const watches = (call: string) => database.as(owner, `select ${call}('one', 'C'), ${call}('two', 'B')`);
		await watches('watch_table');
		await database.script(`update agentmux.watches set quiet = '0', pause = '0'`);
		const turn = async (from: string, to: string, table: string): Promise<boolean> => {
			await database.as(agent(from), `insert into ${table} values (1)`);
			await idle(to, 's1');
			const woken = (await wake(to, 's1')).length > 0;
			await database.as(agent(to), `select agent_touch('working', null, 's1')`);
			await database.as(agent(to), `select receipt_ack(array(select id from messages), 'mcp')`);
			await database.as(agent(to), `select inbox_take(p_limit => 0, p_session => 's1', p_ended => 'work')`);
			return woken;
		};
		const loop = async (): Promise<number> => {
			let woken = 0;
			for (let round = 0; round < 6; round += 1) {
				if (await turn('B', 'C', 'one')) woken += 1;
				if (await turn('C', 'B', 'two')) woken += 1;
			}
			return woken;
		};
		const damped = () => database.as(owner, `select tag, damped from agents where damped is not null order by tag`);
		expect(await loop()).toBe(8);
		expect(await damped()).toEqual([
			{tag: 'B', damped: 'C'},
			{tag: 'C', damped: 'B'},
		]);
		// Messages still wake, and so does a change that a human makes.
		await as('C', '[C] @B what is this?');
		await idle('B', 's1');
		expect(await wake('B', 's1')).toHaveLength(1);
		await database.as(agent('B'), `select agent_touch('working', null, 's1')`);
		await database.as(human(), 'insert into two values (1)');
		await idle('B', 's1');
		expect(await wake('B', 's1')).not.toEqual([]);
		await database.as(human(), `insert into messages (content) values ('[HUMAN] @B go on')`);
		expect(await damped()).toEqual([]);
		await database.as(agent('B'), `select agent_touch('working', null, 's1')`);
		await database.as(agent('B'), `select receipt_ack(array(select id from messages), 'mcp')`);
		expect(await loop()).toBe(8);
		// One that only feeds another, and hears nothing back, is no loop.
		await database.as(human(), `insert into messages (content) values ('[HUMAN] go on')`);
		for (const tag of ['B', 'C'])
			await database.as(agent(tag), `select receipt_ack(array(select id from messages), 'mcp')`);
		for (let round = 0; round < 12; round += 1) expect(await turn('B', 'C', 'one')).toBe(true);
		await watches('unwatch_table');
	});

	test('five agents that thank everyone end by themselves', async () => {
		const tags = ['B', 'C', 'D', 'E', 'F'];
		for (const tag of tags) await idle(tag, 's1');
		await as('B', '[B] thank you all');
		let woken = 0;
		for (let round = 0; round < 40; round += 1) {
			for (const tag of tags) {
				if ((await wake(tag, 's1')).length === 0) continue;
				woken += 1;
				await database.as(agent(tag), `select agent_touch('working', null, 's1')`);
				await database.as(agent(tag), `select receipt_ack(array(select id from messages), 'mcp')`);
				await as(tag, `[${tag}] thank you all`);
				await idle(tag, 's1');
			}
		}
		expect(woken).toBeGreaterThan(5);
		// Ten pairs of eight.
		expect(woken).toBeLessThanOrEqual(80);
	});
});
