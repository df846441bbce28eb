import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
	engines,
	human,
	owner,
	service,
	stranger,
	type Caller,
	type MigratedDatabase,
	type Row,
} from '../helpers/migrated.ts';

describe.each(engines)('several reads in one request on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterEach(() => database.clear());
	afterAll(() => database.close());

	const [A, B] = [agent('A'), agent('B')];
	const post = (content: string) => database.as(owner, 'insert into messages (content) values ($1)', [content]);
	const lapse = () => database.script('update receipts set lease_until = clock_timestamp()');

	interface Checked {
		readonly messages: readonly {readonly id: number; readonly content: string; readonly xid: string}[];
		readonly receipts: readonly {readonly message_id: number; readonly reader: string; readonly takes: number}[];
		readonly waiting: readonly number[];
		readonly open: readonly number[];
	}
	async function check(args = '', caller: Caller = B): Promise<Checked> {
		const [row] = await database.as(caller, `select inbox_check(${args}) as checked`);
		return row?.['checked'] as Checked;
	}
	const idsOf = ({messages}: Checked): number[] => messages.map(({id}) => id);

	describe('inbox_check', () => {
		test('takes what inbox_take takes, in its order, as whole rows', async () => {
			await post('[A] @B one');
			await post('[SYSTEM] @B two');
			await database.as(human(), `insert into messages (content) values ('[HUMAN] @B three')`);
			const [row] = await database.as(owner, 'select xid::text from messages where id = 1');
			const checked = await check(`p_route => 'mcp', p_take_id => 't', p_session => 's'`);
			expect(idsOf(checked)[0]).toBe(3);
			expect(checked.messages.find(({id}) => id === 1)).toMatchObject({content: '[A] @B one', xid: row?.['xid']});
			expect(await database.as(owner, 'select distinct state, route, take_id, session, reader from receipts')).toEqual([
				{state: 'taken', route: 'mcp', take_id: 't', session: 's', reader: 'B'},
			]);
			expect(idsOf(await check())).toEqual([]);
			expect(await database.as(B, 'select id from inbox_take()')).toEqual([]);
			await database.as(B, `select receipt_release('t')`);
			expect(await database.as(B, 'select count(*) as n from inbox_take()')).toEqual([{n: 3}]);
		});

		test('tells the receipts of the caller alone, by which it knows what was handed over before', async () => {
			await post('[X] @A @B both');
			await database.as(A, 'select id from inbox_take()');
			expect((await check()).receipts).toMatchObject([{message_id: 1, reader: 'B', takes: 1}]);
			await lapse();
			expect((await check()).receipts).toMatchObject([{message_id: 1, reader: 'B', takes: 2}]);
		});

		test('names what waits besides, oldest first, and no more than asked for', async () => {
			for (let n = 1; n <= 6; n += 1) await post(`[A] @B ${n}`);
			await database.as(B, `select receipt_ack('{5}', 'mcp')`);
			expect(await check('2, p_named => 2')).toMatchObject({waiting: [3, 4]});
			expect(await check('1')).toMatchObject({waiting: [4, 6]});
			expect(await check()).toMatchObject({waiting: []});
		});

		test('the size of the content limits it as it limits inbox_take', async () => {
			for (const text of ['x'.repeat(600), 'y'.repeat(600)]) await post(`[A] @B ${text}`);
			const checked = await check('p_bytes => 1000');
			expect([idsOf(checked), checked.waiting]).toEqual([[1], [2]]);
		});

		test('with nothing to take, tells on request which open messages the reader was given before', async () => {
			for (const text of ['one', 'two', 'three']) await post(`[A] @B ${text}`);
			expect(await check('2, p_open => true')).toMatchObject({open: []});
			await database.as(B, `select receipt_deliver('{1,2}', 'mcp'), receipt_ack('{1}', 'mcp')`);
			await check();
			expect(await check('p_open => true')).toMatchObject({messages: [], open: [2, 3]});
			expect(await check()).toMatchObject({messages: [], open: []});
		});

		test('two clients of a tag never get the same message', async () => {
			for (let n = 0; n < 20; n += 1) await post(`[A] @B ${n}`);
			const taken = (await Promise.all(Array.from({length: 8}, () => check('4')))).flatMap(idsOf);
			expect(taken.length).toBe(20);
			expect(new Set(taken).size).toBe(20);
		});
	});

	describe('messages_poll', () => {
		test('returns the rows of messages_since and the epoch', async () => {
			for (const text of ['one', 'two', 'three']) await post(`[A] ${text}`);
			const since = await database.as(B, `select * from messages_since('0', 0, 2)`);
			const [{epoch} = {}] = await database.as(owner, 'select epoch from mux_meta');
			const expected: Row[] = since.map(row => ({...row, epoch}));
			expect(await database.as(B, `select * from messages_poll('0', 0, 2)`)).toEqual(expected);
		});
	});

	describe('who may call them', () => {
		const calls = ['select inbox_check()', `select id from messages_poll('0', 0, 10)`];
		const refused = async (caller: Caller, sql: string): Promise<string> =>
			database.as(caller, sql).then(
				() => 'nothing',
				(error: Error & {readonly code?: string}) => String(error.code),
			);

		test('neither anon nor somebody who is no agent', async () => {
			await post('[A] @B a secret');
			for (const sql of calls) {
				expect(await refused(anon, sql)).toBe('42501');
				expect(await refused(stranger, sql)).toBe('42501');
			}
			expect(await refused(service(), 'select inbox_check()')).toBe('42501');
			expect(await database.as(owner, 'select count(*) as n from receipts')).toEqual([{n: 0}]);
		});

		test('no revoked agent', async () => {
			await database.as(B, 'select agent_touch()');
			await post('[A] @B x');
			await database.as(human(), `select agent_revoke('B')`);
			for (const sql of calls) expect(await refused(B, sql)).toBe('42501');
			expect(await database.as(owner, 'select count(*) as n from receipts')).toEqual([{n: 0}]);
		});

		test('the caller takes only its own mail: another agent and a human leave it as it is', async () => {
			await post('[X] @B for B');
			for (const caller of [A, human(), service('C')]) {
				expect(await check('p_open => true', caller)).toMatchObject({
					messages: [],
					receipts: [],
					waiting: [],
					open: [],
				});
			}
			// A header names nobody but a service key's caller.
			const disguised = {...A, headers: {'x-agentmux-tag': 'B'}};
			expect(idsOf(await check('', disguised))).toEqual([]);
			expect(idsOf(await check())).toEqual([1]);
		});

		test('nobody calls what is behind them', async () => {
			for (const caller of [A, human(), anon, service('B')]) {
				expect(await refused(caller, `select agentmux.take('B', 1, null, 30, 1000, null, null, 10)`)).toBe('42501');
			}
		});
	});
});
