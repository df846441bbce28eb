import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
	engines,
	human,
	type MigratedDatabase,
	openPostgres,
	owner,
	type Row,
	service,
	stranger,
} from '../helpers/migrated.ts';

const A = agent('A');

/** Seals all that is settled; where the chain ends. */
async function sealAll(database: Pick<MigratedDatabase, 'as'>): Promise<Row> {
	for (;;) {
		const [head] = await database.as(human(), 'select * from seal_history()');
		if (head!['more'] !== true) return head!;
	}
}

/** Every seal, as `agentmux verify` reads them: up to the first fault. */
async function verifyAll(database: Pick<MigratedDatabase, 'as'>): Promise<Row[]> {
	const seals: Row[] = [];
	for (;;) {
		const page = await database.as(human(), 'select * from verify_history($1, 3)', [seals.at(-1)?.['seq'] ?? 0]);
		seals.push(...page);
		if (page.length === 0 || page.at(-1)!['fault'] !== null) return seals;
	}
}

const faultOf = async (database: Pick<MigratedDatabase, 'as'>): Promise<[unknown, unknown]> => {
	const last = (await verifyAll(database)).at(-1);
	return [last?.['fault'], last?.['message_id']];
};

/** What an owner does who wants to change history: without the triggers, as if nothing had happened. */
const tamper = (database: Pick<MigratedDatabase, 'script'>, sql: string): Promise<void> =>
	database.script(`alter table messages disable trigger user; ${sql}; alter table messages enable trigger user`);

const write = (database: Pick<MigratedDatabase, 'script'>, count: number): Promise<void> =>
	database.script(
		`insert into messages (content) select '[A] message ' || n || ' for @B' from generate_series(1, ${count}) as n`,
	);

describe.each(engines)('the chain of seals on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	test('covers each message once, grows with new messages, and stays the same without', async () => {
		expect(await sealAll(database)).toMatchObject({seq: 0, hash: '', more: false});
		expect(await verifyAll(database)).toEqual([]);
		await write(database, 2500);
		const first = await sealAll(database);
		expect(first).toMatchObject({seq: 3});
		expect(await sealAll(database)).toEqual(first);
		await database.as(A, `insert into messages (content) values ('[A] one more')`);
		const second = await sealAll(database);
		expect(second).toMatchObject({seq: 4, epoch: first['epoch']});
		expect(second['hash']).not.toBe(first['hash']);
		const seals = await verifyAll(database);
		expect(seals.map(({seq, messages, first_id, fault}) => [seq, messages, first_id, fault])).toEqual([
			[1, 1000, 1, null],
			[2, 1000, 1001, null],
			[3, 500, 2001, null],
			[4, 1, 2501, null],
		]);
		expect(seals[2]!['hash']).toBe(first['hash']);
		expect(seals[3]!['hash']).toBe(second['hash']);
	});

	test('a seal does not hold more text than can be looked at in a moment', async () => {
		await database.script(
			`insert into messages (content) select '[A] ' || repeat(md5(n::text), 8000) from generate_series(1, 40) as n`,
		);
		await sealAll(database);
		const seals = await verifyAll(database);
		expect(seals.length).toBeGreaterThan(2);
		expect(seals.reduce((sum, {messages}) => sum + Number(messages), 0)).toBe(40);
	});

	test('stays valid through redactions, before the seal and after it', async () => {
		await write(database, 5);
		await database.as(human(), `select redact_message(2, 'before')`);
		await sealAll(database);
		await database.as(human(), `select redact_message(4, 'after', '{"v": 1}')`);
		await sealAll(database);
		expect((await verifyAll(database)).map(({fault}) => fault)).toEqual([null, null]);
	});

	test('a chain that was rebuilt from its beginning ends in another hash', async () => {
		await write(database, 30);
		const {seq, hash} = await sealAll(database);
		await tamper(database, `update messages set content = '[A] forged' where id = 3; truncate agentmux.seals`);
		const again = await sealAll(database);
		expect((await verifyAll(database)).map(({fault}) => fault)).toEqual([null]);
		expect(again['seq']).toBe(seq);
		expect(again['hash']).not.toBe(hash);
	});

	test('participants can seal and verify; other users cannot', async () => {
		await write(database, 3);
		for (const caller of [stranger, anon]) {
			await expect(database.as(caller, 'select * from seal_history()')).rejects.toMatchObject({code: '42501'});
			await expect(database.as(caller, 'select * from verify_history()')).rejects.toMatchObject({code: '42501'});
		}
		for (const caller of [A, human(), service(), owner]) {
			expect(await database.as(caller, 'select seq::int from seal_history()')).toEqual([{seq: 1}]);
			expect(await database.as(caller, 'select messages from verify_history()')).toEqual([{messages: 3}]);
		}
	});
});

describe.each(engines)('the chain of seals on $engine shows what the owner did to history:', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
		await write(database, 1200);
		await database.as(human(), `select redact_message(7, 'secret')`);
		await sealAll(database);
	});
	afterAll(() => database.close());

	test.each([
		[`update messages set content = '[A] forged' where id = 1100`, 'changed', 1100],
		[`update messages set author_tag = 'HUMAN', author_kind = 'human', verified = true where id = 3`, 'changed', 3],
		[`update messages set created_at = created_at - interval '1 microsecond' where id = 3`, 'changed', 3],
		[`update messages set meta = '{"signature": 1}' where id = 3`, 'changed', 3],
		[`update messages set reply_to = 1, thread_id = 1 where id = 3`, 'changed', 3],
		[`update messages set client_id = gen_random_uuid() where id = 3`, 'changed', 3],
		[`update messages set content = '[A] never said' where id = 7`, 'changed', 7],
		[`update messages set meta = meta || '{"redaction": {"by": "A"}}' where id = 7`, 'changed', 7],
		[`update messages set xid = '1' where id = 30`, 'changed', 30],
		['delete from messages where id = 500', 'deleted', 500],
		['delete from messages where id <= 1000', 'deleted', 1],
		[
			`insert into messages (id, content, xid) select 5000, '[HUMAN] between them', xid from messages where id = 500`,
			'inserted',
			5000,
		],
		[
			`insert into messages (id, content, xid) select 0, '[HUMAN] before them', xid from messages where id = 1`,
			'inserted',
			0,
		],
		[`update redactions set by_tag = 'A' where message_id = 7`, 'changed', 7],
		['delete from redactions', 'changed', 7],
		[`update agentmux.redacted_digests set content = '\\x00'`, 'changed', 7],
		['delete from agentmux.seals where seq = 1', 'seal', null],
		[`update agentmux.seals set hash = sha256('x') where seq = 1`, 'seal', null],
		['update agentmux.seals set id = id - 1 where seq = 1', 'deleted', 1000],
	])('%s', async (sql, fault, id) => {
		await database.undone(async session => {
			await tamper(session, sql);
			expect(await faultOf(session)).toEqual([fault, id]);
		});
	});
});

describe('seals on PostgreSQL while others write', () => {
	let database: Awaited<ReturnType<typeof openPostgres>>;
	beforeAll(async () => {
		database = await openPostgres();
	});
	afterAll(() => database.close());
	afterEach(() => database.clear());

	test('a late commit is sealed in its position, and nothing is sealed before it', async () => {
		const [slow, fast] = [await database.connect(), await database.connect()];
		await slow.client.query('begin');
		await slow.client.query(`insert into messages (content) values ('[A] begun first')`);
		await fast.client.query(`insert into messages (content) values ('[B] committed first')`);
		expect(await sealAll(database)).toMatchObject({seq: 0});
		await slow.client.query('commit');
		await sealAll(database);
		expect(await verifyAll(database)).toMatchObject([{messages: 2, fault: null}]);
	});

	test('every chain is valid, with concurrent writes, rollbacks, redactions and seals', async () => {
		const sessions = await Promise.all(Array.from({length: 6}, () => database.connect()));
		const writing = new AbortController();
		const write = async ({client}: (typeof sessions)[number], writer: number): Promise<void> => {
			for (let n = 0; n < 60; n++) {
				await client.query('begin');
				const {rows} = await client.query<{id: number}>(
					`insert into messages (content) select '[W${writer}] ' || n from generate_series(1, 5) as n returning id`,
				);
				if (n % 3 === 0) await client.query('select pg_sleep(0.005)');
				if (n % 7 === 0) await client.query('select redact_message($1)', [rows[0]!.id]);
				await client.query(n % 5 === 0 ? 'rollback' : 'commit');
			}
		};
		const seal = async (session: (typeof sessions)[number]): Promise<void> => {
			while (!writing.signal.aborted) {
				await session.as(human(), 'select * from seal_history()');
				expect((await verifyAll(session)).filter(({fault}) => fault !== null)).toEqual([]);
			}
		};
		const sealing = sessions.slice(4).map(seal);
		await Promise.all(sessions.slice(0, 4).map(write)).finally(() => writing.abort());
		await Promise.all(sealing);
		await sealAll(database);
		const seals = await verifyAll(database);
		expect(seals.every(({fault}) => fault === null)).toBe(true);
		const [{count}] = (await database.as(owner, 'select count(*)::int from messages')) as [{count: number}];
		expect(count).toBe(4 * 48 * 5);
		expect(seals.reduce((sum, {messages}) => sum + Number(messages), 0)).toBe(count);
	});
});
