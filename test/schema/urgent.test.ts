import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	engines,
	human,
	owner,
	service,
	type Caller,
	type MigratedDatabase,
	type Row,
} from '../helpers/migrated.ts';

const [A, B] = [agent('A'), agent('B')];

describe.each(engines)('urgent messages on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.clear();
		for (const [caller, session] of [
			[A, 'a'],
			[B, 'b'],
		] as const)
			await database.as(caller, `select agent_touch('idle', null, $1, 'bell')`, [session]);
	});

	const send = async (caller: Caller, content: string, meta = '{}'): Promise<number> =>
		Number(
			(
				await database.as(caller, 'insert into messages (content, meta) values ($1, $2) returning id', [content, meta])
			)[0]!['id'],
		);
	const urgent = '{"urgent": true}';
	const bodies = (rows: readonly Row[]) => rows.map(({body}) => body);
	const take = async (how = ''): Promise<unknown[]> => bodies(await database.as(A, `select * from inbox_take(${how})`));
	const hook = async (how: string): Promise<Row> =>
		(await database.as(A, `select hook_take(${how}) as taken`))[0]!['taken'] as Row;
	const contents = ({messages}: Row) => (messages as Row[]).map(({content}) => content);
	const wakes = async (session = 'a') => bodies(await database.as(A, 'select * from wake_begin($1)', [session]));

	test('go first, then those of people, then those of agents', async () => {
		await send(B, '[B] @A one');
		await send(human(), '[HUMAN] @A two');
		await send(B, '[B] @A three', urgent);
		await send(human(), '[HUMAN] @A four', urgent);
		// Only true itself counts.
		await send(B, '[B] @A five', '{"urgent": "true"}');
		expect(await take()).toEqual(['@A three', '@A four', '@A two', '@A one', '@A five']);
	});

	test('do not keep back the oldest of the others', async () => {
		await send(B, '[B] @A old');
		for (const each of ['one', 'two', 'three']) await send(B, `[B] @A ${each}`, urgent);
		expect(await take('2')).toEqual(['@A one', '@A old']);
	});

	test.each([false, true])('are found behind a thousand others, also before the cursor (%s)', async isBefore => {
		await database.script(`insert into messages (content) select '[B] @A ' || n from generate_series(1, 1100) as n`);
		await send(B, '[B] @A now', urgent);
		if (isBefore) await database.script(`select agentmux.advance('A'); select agentmux.advance('A')`);
		expect(await database.as(owner, `select count(*)::int as n from agentmux.unacked where goes_first`)).toMatchObject(
			isBefore ? [{n: 1}] : [{n: 0}],
		);
		expect((await take('3'))[0]).toBe('@A now');
	});

	test('alone reach a focused agent between its tools, and the others the end of its turn', async () => {
		await send(human(), '[HUMAN] @A later');
		expect(await database.as(human(), `select tag, focused from agent_focus('a')`)).toEqual([
			{tag: 'A', focused: true},
		]);
		expect(await hook('p_stops => true')).toEqual({messages: [], focused: true});
		await send(B, '[B] @A now', urgent);
		const taken = await hook('p_stops => true, p_hears => true');
		expect(taken).toMatchObject({focused: true, messages: [{content: '[B] @A now', urgent: true}]});
		expect(contents(await hook('p_stops => false'))).toEqual(['[HUMAN] @A later']);
		await send(human(), '[HUMAN] @A again');
		await database.as(human(), `select * from agent_focus(p_all => true, p_focused => false)`);
		const all = await hook('p_stops => true');
		expect(all).toMatchObject({messages: [{content: '[HUMAN] @A again', urgent: null}]});
		expect(all).not.toHaveProperty('focused');
	});

	test('only humans and the owner say who is focused', async () => {
		const refused = {code: '42501', message: 'you are A, and only a human can focus agents'};
		await expect(database.as(A, `select * from agent_focus('A')`)).rejects.toMatchObject(refused);
		await expect(database.as(A, `select * from agent_focus('B', false, false)`)).rejects.toMatchObject(refused);
		await expect(database.as(A, `update agents set focused = true`)).rejects.toMatchObject({code: '42501'});
		await expect(database.as(human(), `select * from agent_focus('C')`)).rejects.toMatchObject({code: 'P0002'});
		await expect(database.as(human(), `select * from agent_focus()`)).rejects.toMatchObject({code: '22023'});
		expect(await database.as(service(), `select tag from agent_focus('A')`)).toEqual([{tag: 'A'}]);
		expect(await database.as(owner, `select tag from agent_focus('A', p_focused => false)`)).toEqual([{tag: 'A'}]);
	});

	describe('to an agent that its user has interrupted', () => {
		beforeEach(() => database.as(A, `select agent_touch('idle', null, 'a', 'bell', p_quiet => 60)`));

		test('wake it if they are from a human, once', async () => {
			await send(human(), '[HUMAN] @A one');
			await send(B, '[B] @A two', urgent);
			expect(await wakes()).toEqual([]);
			await send(human(), '[HUMAN] @A three', urgent);
			expect(await wakes()).toEqual(['@A one', '@A two', '@A three']);
			await database.script('update agent_sessions set woken_at = null');
			await database.as(A, `select receipt_deliver(array(select id from inbox_take()), 'hook', 'a')`);
			await database.script(`update receipts set lease_until = '-infinity'`);
			expect(await wakes()).toEqual([]);
		});

		test('do not if they only claim to be from a human', async () => {
			await database.script(`insert into messages (content, meta) values ('[HUMAN] @A x', '${urgent}')`);
			expect(await wakes()).toEqual([]);
		});
	});

	test('do not wake an agent that is paused', async () => {
		await database.as(human(), `select * from agent_pause('A')`);
		await send(human(), '[HUMAN] @A now', urgent);
		expect(await wakes()).toEqual([]);
		expect(await take()).toEqual([]);
	});

	test('do not keep two agents awake', async () => {
		const most = Number((await database.as(owner, 'select agentmux.max_wakes() as n'))[0]!['n']);
		for (let count = 0; count <= most; count++) {
			await send(B, `[B] @A ${count}`, urgent);
			expect(await wakes()).toHaveLength(count < most ? 1 : 0);
			await database.as(A, `select receipt_ack(array(select id from inbox('A')), 'x')`);
			await database.script('update agent_sessions set woken_at = null');
		}
		expect(await database.as(human(), `select damped from agents where tag = 'A'`)).toEqual([{damped: 'B'}]);
	});

	test('stay urgent when they are sent later, and are gone when they were redacted', async () => {
		await database.as(human(), `select message_schedule('[HUMAN] @A later', clock_timestamp(), p_meta => '${urgent}')`);
		await database.script('select agentmux.post_due()');
		await send(human(), '[HUMAN] @A gone', urgent);
		await database.as(human(), `select redact_message(max(id)) from messages`);
		await send(human(), '[HUMAN] @A plain');
		expect(await take()).toEqual(['@A later', '@A plain']);
	});
});
