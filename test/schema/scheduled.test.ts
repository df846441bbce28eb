import {randomUUID} from 'node:crypto';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, type Caller, engines, human, owner, type MigratedDatabase, type Row} from '../helpers/migrated.ts';

describe.each(engines)('scheduled messages on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.clear();
		for (const tag of ['A', 'B']) await database.as(agent(tag), "select agent_touch(p_presence => 'idle')");
	});

	const schedule = async (caller: Caller, content: string, id = randomUUID(), due = '1 hour'): Promise<Row> =>
		(
			await database.as(caller, 'select * from message_schedule($1, clock_timestamp() + $2::interval, $3)', [
				content,
				due,
				id,
			])
		)[0]!;
	/** As if the time had come; then a hub looks after the tasks. */
	async function pass(): Promise<void> {
		await database.as(owner, "update mux_scheduled set due_at = clock_timestamp() - interval '1 second'");
		await database.as(owner, "select agentmux.tend_tasks(interval '5 seconds')");
	}
	const messages = () =>
		database.as(
			owner,
			'select content, author_tag, author_kind, verified, mentions, client_id from messages order by id',
		);

	test('are posted when they are due, once, by their author', async () => {
		const id = randomUUID();
		await schedule(human(), '[HUMAN] @A how far are you?', id);
		await schedule(human(), '[HUMAN] @A how far are you?', id);
		await schedule(agent('B'), '[B] later');
		await database.as(owner, 'select agentmux.tend_tasks()');
		expect(await messages()).toEqual([]);
		await pass();
		await pass();
		expect(await messages()).toEqual([
			{
				content: '[HUMAN] @A how far are you?',
				author_tag: 'HUMAN',
				author_kind: 'human',
				verified: true,
				mentions: ['A'],
				client_id: id,
			},
			{
				content: '[B] later',
				author_tag: 'B',
				author_kind: 'agent',
				verified: true,
				mentions: [],
				client_id: expect.any(String) as string,
			},
		]);
		expect(await database.as(human(), 'select id from mux_scheduled')).toEqual([]);
	});

	test('belong to their author: others neither see nor cancel them, nor write under its tag', async () => {
		const {id} = await schedule(agent('A'), '[A] mine');
		expect(await database.as(agent('B'), 'select id from mux_scheduled')).toEqual([]);
		await expect(database.as(agent('B'), 'select scheduled_cancel($1)', [id])).rejects.toMatchObject({code: 'P0002'});
		await expect(schedule(agent('B'), '[A] forged')).rejects.toMatchObject({code: '42501'});
		await expect(
			database.as(agent('B'), "insert into mux_scheduled (due_at, content) values (now(), '[A] x')"),
		).rejects.toMatchObject({code: '42501'});
		expect(await database.as(agent('A'), 'select (scheduled_cancel($1)).content', [id])).toEqual([
			{content: '[A] mine'},
		]);
		const {id: other} = await schedule(agent('A'), '[A] again');
		expect(await database.as(human(), 'select (scheduled_cancel($1)).content', [other])).toHaveLength(1);
	});

	test('give their author to nothing else: not to another text, and not before they are due', async () => {
		const id = randomUUID();
		await schedule(human(), '[HUMAN] @A stop', id);
		const early = `begin; select set_config('agentmux.author', 'scheduled', true);
			insert into messages (content, client_id) values ('[HUMAN] @A stop', '${id}'); commit`;
		await database.script(early);
		expect(await messages()).toMatchObject([{author_tag: null, verified: false}]);
		await database.as(agent('B'), "select set_config('agentmux.author', 'scheduled', false)");
		await expect(
			database.as(agent('B'), 'insert into messages (content, client_id) values ($1, $2)', [
				'[HUMAN] @A go',
				randomUUID(),
			]),
		).rejects.toMatchObject({code: '42501'});
	});

	test('of a revoked agent are not posted, and say why', async () => {
		await schedule(agent('A'), '[A] later');
		await schedule(agent('B'), '[B] later');
		await database.as(human(), "select agent_revoke('A')");
		await pass();
		expect(await messages()).toMatchObject([{content: '[B] later'}]);
		expect(await database.as(human(), 'select content, failed from mux_scheduled')).toEqual([
			{content: '[A] later', failed: 'A is revoked'},
		]);
	});

	test.each([['2 years'], ['-1 hour']])('are refused for %s from now', async due => {
		await expect(schedule(human(), '[HUMAN] x', randomUUID(), due)).rejects.toMatchObject({code: '22023'});
	});
});
