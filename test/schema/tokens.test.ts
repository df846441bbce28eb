import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {anon, type Caller, engines, human, type MigratedDatabase, owner, service} from '../helpers/migrated.ts';

/** A token as the hub signs it. */
const token = (tag: string, more: object = {}, kind = 'agent'): Caller => ({
	role: 'authenticated',
	claims: {iss: 'agentmux', role: 'authenticated', app_metadata: {agent_tag: tag, kind}, ...more},
});

describe.each(engines)('tokens that end, on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(async () => {
		await database.clear();
		await database.script('truncate agentmux.token_generation, agentmux.ended_tokens');
	});

	const end = (tag: string) => database.as(owner, 'select agentmux.end_tokens($1) as gen', [tag]);
	/** Whether it may take part: by its policies, and by its functions. */
	const admits = async (caller: Caller): Promise<boolean> => {
		await database.as(owner, `insert into messages (content) values ('[X] hi')`);
		const rows = await database.as(caller, 'select id from messages');
		const calls = await database.as(caller, 'select agent_touch()').then(
			() => true,
			() => false,
		);
		expect(calls).toBe(rows.length > 0);
		return calls;
	};

	test('all tokens of an agent end together, whatever their case, and no others', async () => {
		const former = [
			token('CLAUDE_1'),
			token('claude_1', {gen: 0}),
			token('CLAUDE_1', {gen: 'one'}),
			token('CLAUDE_1', {gen: null}),
		];
		for (const caller of [...former, token('CLAUDE_2')]) expect(await admits(caller)).toBe(true);
		expect(await end('Claude_1')).toEqual([{gen: 1}]);
		for (const caller of former) expect(await admits(caller)).toBe(false);
		expect(await admits(token('CLAUDE_2'))).toBe(true);
		expect(await admits(token('CLAUDE_1', {gen: 1}))).toBe(true);
		expect(await end('CLAUDE_1')).toEqual([{gen: 2}]);
		expect(await admits(token('CLAUDE_1', {gen: 1}))).toBe(false);
		await expect(database.as(token('CLAUDE_1', {gen: 1}), 'select agent_touch()')).rejects.toMatchObject({
			code: '42501',
			message: 'this token of CLAUDE_1 was ended',
		});
	});

	test('one token ends by its id', async () => {
		const one = token('CLAUDE_1', {jti: 'one'});
		await database.as(owner, `select agentmux.end_token('one')`);
		expect(await admits(one)).toBe(false);
		expect(await admits(token('CLAUDE_1', {jti: 'other'}))).toBe(true);
		expect(await admits(token('CLAUDE_1'))).toBe(true);
	});

	test('those of a human or a hosted project have no generation', async () => {
		const hosted = token('CLAUDE_1', {iss: 'https://x.supabase.co/auth/v1'});
		const unsaid: Caller = {
			role: 'authenticated',
			claims: {role: 'authenticated', app_metadata: {agent_tag: 'CLAUDE_1'}},
		};
		await end('CLAUDE_1');
		await end('HUMAN');
		for (const caller of [hosted, unsaid, token('HUMAN', {}, 'human'), service('CLAUDE_1')]) {
			expect(await admits(caller)).toBe(true);
		}
		await database.as(human(), `select agent_revoke('CLAUDE_1')`);
		for (const caller of [hosted, unsaid, service('CLAUDE_1')]) {
			await expect(database.as(caller, 'select task_heartbeat(1, 1)')).rejects.toThrow('CLAUDE_1 has been revoked');
		}
	});

	test('a restored agent needs a new token', async () => {
		await database.as(token('CLAUDE_1'), 'select agent_touch()');
		await database.as(human(), `select agent_revoke('claude_1')`);
		await expect(database.as(token('CLAUDE_1'), 'select agent_touch()')).rejects.toThrow('CLAUDE_1 has been revoked');
		await database.as(human(), `select agent_revoke('claude_1')`);
		await database.as(human(), `select agent_restore('claude_1')`);
		expect(await admits(token('CLAUDE_1'))).toBe(false);
		expect(await admits(token('CLAUDE_1', {gen: 1}))).toBe(true);
	});

	test.each([
		'select * from agentmux.token_generation',
		'select * from agentmux.ended_tokens',
		`insert into agentmux.token_generation values ('CLAUDE_1', -1)`,
		`select agentmux.end_tokens('CLAUDE_2')`,
		`select agentmux.end_token('x')`,
		'select agentmux.announce_tokens()',
		'select agentmux.token_holds()',
	])('%s is for the owner alone', async sql => {
		for (const caller of [token('CLAUDE_1'), human(), anon]) {
			await expect(database.as(caller, sql)).rejects.toMatchObject({code: '42501'});
		}
	});
});
