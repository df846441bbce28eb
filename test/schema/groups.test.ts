import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, engines, human, owner, type MigratedDatabase} from '../helpers/migrated.ts';

describe.each(engines)('groups on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.clear();
		for (const tag of ['A', 'B', 'C']) await database.as(agent(tag), "select agent_touch(p_presence => 'idle')");
		for (const tag of ['A', 'B']) await database.as(human(), "select agent_groups($1, '{backend}')", [tag]);
	});

	const mentionsOf = async (caller: ReturnType<typeof agent>, content: string): Promise<unknown> =>
		(await database.as(caller, 'insert into messages (content) values ($1) returning mentions', [content]))[0]?.[
			'mentions'
		];
	const inbox = async (tag: string): Promise<unknown[]> =>
		(await database.as(agent(tag), 'select body from inbox($1)', [tag])).map(({body}) => body);

	test('a group addresses each of its agents, whoever writes and however it is spelled', async () => {
		expect(await mentionsOf(human(), '[HUMAN] @backend one')).toEqual(['A', 'B']);
		expect(await mentionsOf(owner, '[X] @C and @BackEnd two')).toEqual(['C', 'A', 'B']);
		expect(await mentionsOf(agent('C'), '[C] @b @backend three')).toEqual(['b', 'A']);
		expect(await inbox('A')).toEqual(['@backend one', '@C and @BackEnd two', '@b @backend three']);
		expect(await inbox('C')).toEqual(['@C and @BackEnd two']);
	});

	test('its author is not addressed, and alone in it writes to nobody, not to everyone', async () => {
		expect(await mentionsOf(agent('A'), '[A] @backend')).toEqual(['B']);
		await database.as(human(), "select agent_groups('B', '{}', '{backend}')");
		expect(await mentionsOf(agent('A'), '[A] @backend')).toEqual(['backend']);
		expect(await inbox('C')).toEqual([]);
	});

	test('the members are those of when it was written, without revoked ones; redacting it addresses nobody', async () => {
		const [{id}] = (await database.as(
			human(),
			"insert into messages (content) values ('[HUMAN] @backend x') returning id",
		)) as [{id: number}];
		await database.as(human(), "select agent_revoke('A')");
		await database.as(human(), "select agent_groups('C', '{backend}')");
		expect(await mentionsOf(human(), '[HUMAN] @backend y')).toEqual(['B', 'C']);
		await database.as(human(), 'select redact_message($1)', [id]);
		expect(await database.as(human(), 'select mentions from messages where id = $1', [id])).toEqual([{mentions: []}]);
	});

	test('only humans change groups, and none has the name of a tag', async () => {
		await expect(database.as(agent('C'), "select agent_groups('C', '{backend}')")).rejects.toMatchObject({
			code: '42501',
		});
		await expect(database.as(agent('C'), "update agents set groups = '{backend}'")).rejects.toMatchObject({
			code: '42501',
		});
		for (const name of ['c', 'Human', 'everyone', 'no name'])
			await expect(database.as(human(), 'select agent_groups($1, array[$2])', ['A', name])).rejects.toMatchObject({
				code: '22023',
			});
		await expect(database.as(human(), "select agent_groups('NOBODY', '{x}')")).rejects.toMatchObject({code: 'P0002'});
		// One who joins under the name of a group is itself addressed.
		await database.as(agent('BACKEND'), "select agent_touch(p_presence => 'idle')");
		expect(await mentionsOf(human(), '[HUMAN] @backend z')).toEqual(['backend']);
	});

	test('nobody sets the addressees of a message', async () => {
		await expect(
			database.as(agent('C'), "insert into messages (content, mentions) values ('[C] x', '{A}')"),
		).rejects.toMatchObject({code: '42501'});
		expect(
			await database.as(owner, "insert into messages (content, mentions) values ('[C] x', '{A}') returning mentions"),
		).toEqual([{mentions: []}]);
	});
});
