import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, engines, human, type MigratedDatabase, openPostgres, owner, type Row} from '../helpers/migrated.ts';

const A = agent('A');
const B = agent('B');

describe.each(engines)('rows from a server with higher transaction ids, on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	// So far ahead as if the server that the rows come from had had a million transactions more.
	beforeEach(async () => {
		await database.clear();
		await database.script('update mux_meta set xid_offset = 1000000');
	});
	afterEach(() => database.script('update mux_meta set xid_offset = 0'));

	/** What a dump leaves behind: its rows, on a server that counts for itself. */
	const restore = (): Promise<void> => database.script('update mux_meta set xid_offset = 0');
	const state = async (): Promise<Row> => (await database.as(human(), 'select * from mailbox_state()'))[0] ?? {};
	const send = async (content: string): Promise<number> => {
		const [row] = await database.as(owner, 'insert into messages (content) values ($1) returning id', [content]);
		return Number(row?.['id']);
	};
	const inOrder = async (): Promise<unknown[]> =>
		(await database.as(human(), 'select id from messages_since()')).map(({id}) => id);
	const taken = async (): Promise<unknown[]> =>
		(await database.as(A, `select id from inbox_take(100, 'test')`)).map(({id}) => id);
	const faults = async (): Promise<unknown[]> => {
		await database.as(human(), 'select * from seal_history()');
		return (await database.as(human(), 'select fault from verify_history()')).map(({fault}) => fault);
	};

	test("the first request for the mailbox's state starts another history, once", async () => {
		const before = await state();
		const ids = [await send('[B] one'), await send('[B] two')];
		await restore();
		const found = await state();
		expect(found['epoch']).not.toBe(before['epoch']);
		expect(found).toMatchObject({settled_id: ids[1], mailbox_id: before['mailbox_id']});
		const rows = await database.as(human(), 'select id, settled from messages_since()');
		expect(rows).toEqual(ids.map(id => ({id, settled: true})));
		expect((await state())['epoch']).toBe(found['epoch']);
		const later = await send('[B] three');
		expect(await inOrder()).toEqual([...ids, later]);
		const {settled_xid, settled_id} = await state();
		expect(await database.as(human(), 'select id from messages_since($1, $2)', [settled_xid, settled_id])).toEqual([]);
		expect(settled_id).toBe(later);
		expect((await state())['epoch']).toBe(found['epoch']);
	});

	test('messages written before that request come after them, too', async () => {
		const before = await state();
		const ids = [await send('[B] one'), await send('[B] two')];
		await restore();
		ids.push(await send('[B] three'));
		const {epoch} = await state();
		expect(epoch).not.toBe(before['epoch']);
		ids.push(await send('[B] four'));
		expect(await inOrder()).toEqual(ids);
		expect((await state())['epoch']).toBe(epoch);
	});

	test('an agent gets its waiting and new messages, and none that it already had', async () => {
		await database.as(A, `select agent_touch('working')`);
		const [acked, waits] = [await send('[B] done @A'), await send('[B] to everyone')];
		await database.as(A, `select receipt_ack($1, 'test')`, [[acked]]);
		await restore();
		const later = [await send('[B] later, to everyone'), await send('[B] later @A')];
		expect(await taken()).toEqual([waits, ...later]);
		await database.as(A, `select receipt_ack($1, 'test')`, [[waits, ...later]]);
		const [cursor] = await database.as(owner, `select id from cursors where reader = 'A'`);
		expect(cursor).toEqual({id: later[1]});
		expect(await taken()).toEqual([]);
	});

	test('an agent that joins then gets messages to everyone from then on', async () => {
		await send('[B] before');
		await restore();
		await database.as(A, `select agent_touch('working')`);
		const later = await send('[B] after');
		expect(await taken()).toEqual([later]);
	});

	test('an agent that joined after the last message gets the next one', async () => {
		await send('[B] before');
		await database.as(A, `select agent_touch('working')`);
		// The server that it is restored into had given more numbers than the one message has, but fewer than the agent saw.
		await database.script(`alter table messages disable trigger user; update messages set xid = '5';
			alter table messages enable trigger user`);
		await restore();
		const later = await send('[B] after');
		expect(await taken()).toEqual([later]);
	});

	test('the chain of seals stays valid, and continues', async () => {
		const ids = [await send('[B] one'), await send('[B] a password')];
		expect(await faults()).toEqual([null]);
		await database.as(human(), 'select redact_message($1)', [ids[1]]);
		expect(await faults()).toEqual([null, null]);
		await restore();
		await send('[B] three');
		expect(await faults()).toEqual([null, null, null]);
		await database.as(human(), 'select redact_message($1)', [ids[0]]);
		await send('[B] four');
		expect(new Set(await faults())).toEqual(new Set([null]));
		const [sealed] = await database.as(
			owner,
			'select sum(octet_length(entries) / 12)::int as entries from agentmux.seals',
		);
		expect(sealed).toEqual({entries: 6});
	});

	test('a redaction that is newer than every message is followed by what is written then', async () => {
		const ids = [await send('[B] one')];
		await database.as(human(), 'select redact_message($1)', [ids[0]]);
		await faults();
		await restore();
		await send('[B] two');
		expect(new Set(await faults())).toEqual(new Set([null]));
		const [sealed] = await database.as(
			owner,
			'select sum(octet_length(entries) / 12)::int as entries from agentmux.seals',
		);
		expect(sealed).toEqual({entries: 3});
	});

	test('if the ids are in order, it stays the same history', async () => {
		await restore();
		await database.clear();
		const {epoch} = await state();
		await database.script(`begin;
			insert into messages (content) values ('[B] one');
			select agent_touch from (select set_config('role', 'authenticated', true),
				set_config('request.jwt.claims', '{"app_metadata": {"agent_tag": "A", "kind": "agent"}}', true)) as s, agent_touch('working');
			reset role;
			savepoint inner_one;
			insert into messages (content) select '[B] ' || n from generate_series(1, 50) as n;
			release inner_one;
			select redact_message(id) from messages order by id limit 3;
			select * from mailbox_state();
			commit`);
		await database.as(B, `select agent_touch('working')`);
		await send('[B] last');
		expect(await state()).toMatchObject({epoch});
		const [meta] = await database.as(owner, 'select xid_offset from mux_meta');
		expect(meta).toEqual({xid_offset: 0});
	});
});

test('concurrent writers do not start another history', async () => {
	const database = await openPostgres();
	try {
		const epochs = async (): Promise<Row[]> => database.as(owner, 'select epoch, xid_offset from mux_meta');
		const before = await epochs();
		const connections = await Promise.all(Array.from({length: 8}, () => database.connect()));
		await Promise.all(
			connections.map(async (connection, number) => {
				for (let n = 0; n < 40; n++) {
					await connection.as(agent(`W${number}`), `select agent_touch('working')`);
					await connection.as(agent(`W${number}`), `insert into messages (content) values ('[W${number}] ' || $1)`, [
						n,
					]);
					await connection.as(human(), 'select * from mailbox_state()');
				}
			}),
		);
		expect(await epochs()).toEqual(before);
	} finally {
		await database.close();
	}
});

test('of several writers that find restored rows at the same time, one raises the ids', async () => {
	const database = await openPostgres();
	try {
		await database.script('update mux_meta set xid_offset = 1000000');
		await database.script(`insert into messages (content) values ('[A] restored')`);
		await database.script('update mux_meta set xid_offset = 0');
		const connections = await Promise.all(Array.from({length: 8}, () => database.connect()));
		await Promise.all(
			connections.map((connection, number) =>
				connection.script(`insert into messages (content) values ('[A] ${number}')`),
			),
		);
		const rows = await database.as(owner, 'select xid::text::int as xid from messages order by xid, id');
		expect(rows).toHaveLength(9);
		const [{xid: restored} = {}, ...later] = rows;
		expect(Number(later[0]?.['xid'])).toBeGreaterThan(Number(restored));
		expect(Number(later.at(-1)?.['xid']) - Number(restored)).toBeLessThan(1000);
		const settled = await database.as(human(), 'select settled from messages_since()');
		expect(settled.every(row => row['settled'] === true)).toBe(true);
	} finally {
		await database.close();
	}
});
