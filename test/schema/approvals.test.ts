import {randomUUID} from 'node:crypto';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
	type Caller,
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

describe.each(engines)('approvals on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const ask = async (caller: Caller = A, request: string = randomUUID(), seconds = 600): Promise<Row> =>
		(
			await database.as(
				caller,
				`select * from approval_ask($1, 's', 'claude', 'Bash', '{"command":"ls"}', '/x', '[]', $2)`,
				[request, seconds],
			)
		)[0]!;
	const decide = async (caller: Caller, id: unknown, behavior = 'allow'): Promise<Row> =>
		(
			await database.as(caller, 'select * from approval_decide($1, $2, $3)', [
				id,
				JSON.stringify({behavior, message: 'because'}),
				JSON.stringify({sig: 'x'}),
			])
		)[0]!;
	const end = async (caller: Caller, request: unknown, state: string): Promise<Row | undefined> =>
		(await database.as(caller, 'select * from approval_end($1, $2)', [request, state]))[0];

	test('a human answers once; what became of it is in the event log', async () => {
		const {id, request} = await ask();
		expect(await decide(human(), id)).toMatchObject({state: 'allowed', decided_by: 'HUMAN', reason: 'because'});
		await expect(decide(human(), id, 'deny')).rejects.toMatchObject({
			code: '55000',
			message: expect.stringContaining('already by HUMAN') as string,
		});
		expect(await end(A, request, 'taken')).toMatchObject({state: 'allowed', taken_at: expect.anything() as unknown});
		const events = await database.as(B, "select state, tag from events where kind = 'approval' order by id");
		expect(events).toEqual(['waiting', 'allowed', 'taken'].map(state => ({state, tag: 'A'})));
		// Readers of earlier versions would not know them.
		const known = await database.as(B, "select distinct kind from events_between('2000-01-01')");
		expect(known.map(({kind}) => kind)).not.toContain('approval');
	});

	test('only a human answers: no agent, no stranger, nobody without an identity', async () => {
		const {id} = await ask();
		for (const caller of [A, B, stranger, anon])
			await expect(decide(caller, id)).rejects.toMatchObject({code: '42501'});
		for (const caller of [A, B, human(), stranger, anon, service()]) {
			await expect(database.as(caller, `update mux_approvals set state = 'allowed'`)).rejects.toMatchObject({
				code: '42501',
			});
			await expect(database.as(caller, 'delete from mux_approvals')).rejects.toMatchObject({code: '42501'});
		}
		expect(await database.as(owner, 'select state from mux_approvals')).toEqual([{state: 'waiting'}]);
	});

	test('an agent sees, looks at and ends only what it asked itself', async () => {
		const {id, request} = await ask();
		expect(await database.as(A, 'select id from mux_approvals')).toEqual([{id}]);
		expect(await database.as(human(), 'select id from mux_approvals')).toEqual([{id}]);
		for (const caller of [B, stranger]) expect(await database.as(caller, 'select id from mux_approvals')).toEqual([]);
		expect(await database.as(B, 'select id from approvals_waiting()')).toEqual([]);
		await expect(database.as(B, 'select * from approval_look($1)', [request])).rejects.toMatchObject({code: 'P0002'});
		await expect(ask(B, request as string)).rejects.toMatchObject({code: '42501'});
		await end(B, request, 'terminal');
		expect(await database.as(owner, 'select state from mux_approvals')).toEqual([{state: 'waiting'}]);
	});

	test('a request for which nobody waits any more is not answered, and not shown', async () => {
		const late = await ask();
		await database.as(owner, "update mux_approvals set waiting_at = waiting_at - interval '16 seconds'");
		const over = await ask();
		await end(A, over['request'], 'terminal');
		expect(await database.as(human(), 'select id from approvals_waiting()')).toEqual([]);
		for (const {id} of [late, over]) await expect(decide(human(), id)).rejects.toMatchObject({code: '55000'});
	});

	test('an agent keeps 200, and a human who looks is known to attend', async () => {
		for (let n = 0; n < 205; n++) await ask(A, randomUUID(), 1);
		expect(await database.as(owner, 'select count(*)::int as n from mux_approvals')).toEqual([{n: 200}]);
		const {request} = await ask(B);
		const look = async () =>
			(await database.as(B, 'select attended_at from approval_look($1)', [request]))[0]?.['attended_at'];
		expect(await look()).toBeNull();
		await database.as(human(), 'select id from approvals_waiting()');
		expect(await look()).not.toBeNull();
	});
});
