import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {agent, engines, human, openPostgres, owner, type MigratedDatabase} from '../helpers/migrated.ts';

describe.each(engines)('handing over on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterEach(() => database.clear());
	afterAll(() => database.close());

	const B = agent('B');
	const post = (content: string) => database.as(owner, 'insert into messages (content) values ($1)', [content]);
	const ids = async (call: string, caller = B): Promise<unknown[]> =>
		(await database.as(caller, `select id from ${call}`)).map(({id}) => id);
	const receipt = async (): Promise<object | undefined> => {
		const [row] = await database.as(
			owner,
			`select state, attempts, takes, take_id, round(extract(epoch from lease_until - clock_timestamp()))::int as lease from receipts`,
		);
		return row;
	};
	const lapse = () => database.script('update receipts set lease_until = clock_timestamp()');

	test('a message that was taken and not handed over is offered without limit: immediately, after 1 s, doubled up to 5 min', async () => {
		await post('[A] @B x');
		const waits: unknown[] = [];
		for (let take = 1; take <= 13; take += 1) {
			expect(await ids(`inbox_take(p_take_id => 't${take}')`)).toEqual([1]);
			expect(await database.as(B, `select receipt_release('t${take}')`)).toEqual([{receipt_release: 1}]);
			const found = await receipt();
			expect(found).toMatchObject({state: 'taken', attempts: 0, takes: take, take_id: null});
			waits.push((found as {lease: number}).lease);
			await lapse();
		}
		expect(waits).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
		expect(await ids('inbox_take()')).toEqual([1]);
		expect(await receipt()).toMatchObject({takes: 14, lease: 300});
		await database.as(B, `select receipt_deliver('{1}', 'hook')`);
		expect(await receipt()).toMatchObject({state: 'delivered', attempts: 1, takes: 0, lease: 600});
	});

	test('what the client cannot have seen counts as never taken', async () => {
		await post('[A] @B x');
		for (const take of ['one', 'two', 'three']) {
			expect(await ids(`inbox_take(p_take_id => '${take}')`)).toEqual([1]);
			await database.as(B, `select receipt_release('${take}', true)`);
			expect(await receipt()).toMatchObject({state: 'taken', attempts: 0, takes: 0, lease: 0});
		}
		expect(await ids('inbox_take()')).toEqual([1]);
		expect(await receipt()).toMatchObject({takes: 1});
	});

	test('a take releases only its own messages: none that another client has taken since, handed over or acked', async () => {
		for (const text of ['one', 'two', 'three']) await post(`[A] @B ${text}`);
		expect(await ids(`inbox_take(p_take_id => 'slow')`)).toEqual([1, 2, 3]);
		await database.as(B, `select receipt_deliver('{2}', 'hook'), receipt_ack('{3}', 'hook')`);
		await database.script('update receipts set lease_until = clock_timestamp() where message_id = 1');
		expect(await ids(`inbox_take(p_take_id => 'next')`)).toEqual([1]);
		for (const call of [`receipt_release('slow')`, `receipt_release('other')`, 'receipt_release(null)'])
			expect(await database.as(B, `select ${call} as changed`)).toEqual([{changed: 0}]);
		expect(await database.as(agent('A'), `select receipt_release('next') as changed`)).toEqual([{changed: 0}]);
		expect(await ids('inbox_take()')).toEqual([]);
		expect(await database.as(B, `select receipt_release('next') as changed`)).toEqual([{changed: 1}]);
		expect(await database.as(B, `select receipt_release('next') as changed`)).toEqual([{changed: 0}]);
	});

	test('takes no more than fits, but at least one', async () => {
		for (const size of [100, 100, 300, 50]) await post('[A] @B '.padEnd(size, 'x'));
		expect(await ids('inbox_take(p_bytes => 250)')).toEqual([1, 2]);
		expect(await ids('inbox_take(p_bytes => 250)')).toEqual([3]);
		expect(await ids('inbox_take(p_bytes => 1)')).toEqual([4]);
	});

	test("people's words come first, then agents', then those of SYSTEM, however many wait", async () => {
		await database.script('create table if not exists flood (n int); grant insert on flood to authenticated');
		await database.as(owner, `select watch_table('flood', 'B', p_window => '0')`);
		for (let n = 0; n < 30; n += 1) await database.as(agent('A'), 'insert into flood values (1)');
		await database.as(agent('A'), `insert into messages (content) values ('[A] @B x')`);
		await database.as(human(), `insert into messages (content) values ('[HUMAN] @B stop watching')`);
		await database.as(owner, `select unwatch_table('flood', 'B')`);
		// The oldest of all comes along.
		expect(await ids('inbox_take(p_limit => 4)')).toEqual([32, 31, 1, 2]);
		expect(await ids('inbox_take(p_limit => 1)')).toEqual([3]);
		await database.as(human(), `insert into messages (content) values ('[HUMAN] to everyone'), ('[HUMAN] @B really')`);
		expect(await ids('inbox_take(p_limit => 1)')).toEqual([34]);
		await database.as(B, 'select agent_touch()');
		await database.as(human(), `insert into messages (content) values ('[HUMAN] to everyone')`);
		expect(await ids('inbox_take(p_limit => 2)')).toEqual([35, 4]);
	});

	test('what SYSTEM says is not kept waiting by those who write without end', async () => {
		await database.script('create table if not exists flood (n int); grant insert on flood to authenticated');
		await database.as(owner, `select watch_table('flood', 'B', p_window => '0')`);
		await database.as(agent('A'), 'insert into flood values (1)');
		await database.as(owner, `select unwatch_table('flood', 'B')`);
		await database.as(human(), `insert into messages (content) select '[HUMAN] @B x' from generate_series(1, 50)`);
		expect(await ids('inbox_take(p_limit => 2)')).toEqual([2, 1]);
	});

	test("a human's word is found behind thousands of others", async () => {
		await database.as(B, 'select agent_touch()');
		await database.as(owner, `insert into messages (content) select '[A] to everyone' from generate_series(1, 3000)`);
		await database.as(human(), `insert into messages (content) values ('[HUMAN] stop')`);
		expect(await ids('inbox_take(p_limit => 3)')).toEqual([3001, 1, 2]);
	});

	test('a lease that was given when the clock was an hour ahead ends ten minutes from now at the latest', async () => {
		await post('[A] @B x');
		await ids('inbox_take()');
		await database.script(`update receipts set lease_until = lease_until + interval '1 hour'`);
		expect(await ids('inbox_take()')).toEqual([]);
		expect(await receipt()).toMatchObject({takes: 1, lease: 600});
		await lapse();
		expect(await ids('inbox_take()')).toEqual([1]);
	});

	test('a message to everyone reaches those who had joined, whatever the clock says', async () => {
		await post('[A] before');
		await database.as(B, 'select agent_touch()');
		// The clock was put back by an hour after B had joined.
		await database.script(`update agents set joined_at = joined_at + interval '1 hour'`);
		await post('[A] after');
		await database.as(agent('LATE'), 'select agent_touch()');
		// And put forward after LATE had.
		await database.script(`update agents set joined_at = joined_at - interval '9 hours' where tag = 'LATE'`);
		expect(await ids('inbox_take()')).toEqual([2]);
		expect(await ids('inbox_take()', agent('LATE'))).toEqual([]);
		await post('[B] to the others');
		expect(await ids('inbox_take()')).toEqual([]);
		expect(await ids('inbox_take()', agent('LATE'))).toEqual([3]);
	});
});

test('an agent that joins while a message is being written gets it, but none that were committed before', async () => {
	const database = await openPostgres();
	try {
		const [writer, other, late] = [await database.connect(), await database.connect(), await database.connect()];
		await writer.client.query('begin');
		await writer.client.query(`insert into messages (content) values ('[A] begun before, committed after')`);
		await other.script(`insert into messages (content) values ('[A] begun later, committed before')`);
		await late.as(agent('LATE'), 'select agent_touch()');
		await writer.client.query('commit');
		const bodies = async () => (await late.as(agent('LATE'), 'select body from inbox_take()')).map(({body}) => body);
		expect(await bodies()).toEqual(['begun before, committed after']);
	} finally {
		await database.close();
	}
});
