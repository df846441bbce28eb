import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {agent, type Caller, engines, human, type MigratedDatabase, owner, service} from '../helpers/migrated.ts';

const A = agent('A');
const B = agent('B');

describe.each(engines)('reading on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const write = async (...contents: string[]): Promise<void> => {
		for (const content of contents) await database.as(owner, 'insert into messages (content) values ($1)', [content]);
	};
	const ids = async (call: string, caller: Caller = A): Promise<unknown[]> =>
		(await database.as(caller, `select id from ${call}`)).map(row => row['id']);

	test('the state has the epoch, the horizon and the newest id', async () => {
		const [empty] = await database.as(A, 'select * from mailbox_state()');
		expect(empty).toMatchObject({latest_id: 0});
		await write('[A] x', '[A] y');
		const [state] = await database.as(A, 'select * from mailbox_state()');
		expect(state).toMatchObject({epoch: empty!['epoch'], latest_id: 2});
		expect(BigInt(state!['horizon'] as string)).toBeGreaterThan(BigInt(empty!['horizon'] as string));
	});

	test('messages_since pages through everything once, with all columns', async () => {
		await write('1', '2', '3', '4', '5');
		const rows = await database.as(A, 'select * from messages_since(p_limit => 2)');
		expect(Object.keys(rows[0]!)).toEqual([
			...(
				await database.as(
					owner,
					`select attname from pg_attribute where attrelid = 'messages'::regclass and attnum > 0 order by attnum`,
				)
			).map(row => row['attname']),
			'settled',
		]);
		expect(rows).toMatchObject([
			{id: 1, body: '1', settled: true},
			{id: 2, body: '2', settled: true},
		]);
		const last = rows[1]!;
		expect(await ids(`messages_since('${last['xid'] as string}', 2)`)).toEqual([3, 4, 5]);
		expect(await ids('messages_since(p_limit => 0)')).toEqual([1]);
		await expect(ids(`messages_since('x')`)).rejects.toMatchObject({code: '22P02'});
	});

	test('messages that the reading transaction wrote are not settled', async () => {
		const rows = await database.as(
			owner,
			`with own as (insert into messages (content) values ('x') returning xid) select xid < pg_snapshot_xmin(pg_current_snapshot()) as settled from own`,
		);
		expect(rows).toEqual([{settled: false}]);
	});

	test('a channel has the messages that the tag wrote or that mention it in any case, newest first, in pages', async () => {
		await write('[A] one', '[B] @a two', '[B] three', '[a] @A four', '[A] five', '@A six');
		expect(await ids(`channel_messages('A')`)).toEqual([6, 5, 4, 2, 1]);
		expect(await ids(`channel_messages('a', p_limit => 2)`)).toEqual([6, 5]);
		expect(await ids(`channel_messages('A', p_before => 5, p_limit => 2)`)).toEqual([4, 2]);
		expect(await ids(`channel_messages('A', p_after => 2)`)).toEqual([6, 5, 4]);
		expect(await ids(`channel_messages_after('a', p_limit => 2)`)).toEqual([1, 2]);
		expect(await ids(`channel_messages_after('A', 2, p_limit => 2)`)).toEqual([4, 5]);
		expect(await ids(`channel_messages_after('A', p_after => 2, p_before => 5)`)).toEqual([4]);
		expect(await ids(`channel_messages('nobody')`)).toEqual([]);
		expect(await ids(`channel_messages('UNTAGGED')`)).toEqual([6]);
	});

	test('channels are the tags that wrote, joined or were addressed, as first spelled, newest first', async () => {
		await write('[beta] x', '[Alpha] @gamma x', '[ALPHA] x', '[BETA] @GAMMA x');
		await database.as(agent('Delta'), 'select agent_touch()');
		await database.as(agent('BETA'), 'select agent_touch()');
		expect(await database.as(A, 'select * from channels()')).toEqual([
			{tag: 'BETA', last_id: 4},
			{tag: 'gamma', last_id: 4},
			{tag: 'Alpha', last_id: 3},
			{tag: 'Delta', last_id: 0},
		]);
	});

	test('channels are those of every tag that joined or wrote, and of the others the twenty that were addressed last', async () => {
		await write('[A] @OLD one', '[Lone] @LONE two');
		await database.as(agent('Silent'), 'select agent_touch()');
		const many = Array.from({length: 50}, (_, message) => {
			const tags = Array.from({length: 40}, (_, nth) => `@GHOST_${message}_${nth}`);
			return `[A] ${tags.join(' ')}`;
		});
		await write(...many);
		await write('[A] @new and @LONE');
		const channels = (await database.as(A, 'select tag from channels()')).map(({tag}) => String(tag));
		expect(channels.slice(0, 3)).toEqual(['A', 'LONE', 'new']);
		expect(channels).toContain('Silent');
		const ghosts = channels.filter(tag => tag.startsWith('GHOST_'));
		expect(ghosts).toHaveLength(18);
		for (const tag of ghosts) expect(tag).toMatch(/^GHOST_49_/);
		expect(channels).toHaveLength(22);
	});

	test('a redacted message is only in the channel of its tag', async () => {
		await write('[A] @B @E one', '[A] two', '[C] three');
		await database.as(human(), 'select redact_message(1)');
		expect(await ids(`channel_messages('A')`)).toEqual([2, 1]);
		expect(await database.as(A, 'select * from channels()')).toEqual([
			{tag: 'C', last_id: 3},
			{tag: 'A', last_id: 2},
		]);
	});

	test('with a long history, each call reads little more than it returns', async () => {
		await database.script(`insert into messages (content)
			select format('[T%s] number %s %s', i % 10, i, case when i % 10 = 5 then '@T3' when i = 77 then '@RARE needle' end)
			from generate_series(1, 12000) as i`);
		await database.as(B, 'select agent_touch()');
		await write('[A] @B one', '[A] two');
		const unexpected: string[] = [];
		for (const call of [
			`channel_messages('T3')`,
			`channel_messages('T3', p_before => 6000)`,
			`channel_messages_after('T3', p_after => 6000)`,
			`channel_messages_after('T3')`,
			`channel_messages('RARE')`,
			`channel_messages('NOBODY')`,
			'channels()',
			`inbox('RARE')`,
			`inbox('B')`,
			`inbox_take()`,
			`messages_since(p_limit => 100)`,
			'mailbox_state()',
			`search_messages('needle')`,
			`search_messages('number')`,
		]) {
			// The counters are those of this transaction once the earlier ones have been handed on.
			await database.as(owner, 'select pg_stat_force_next_flush()');
			const [row] = await database.as(
				B,
				`with called as materialized (select count(*) as rows from ${call})
				select rows, (select sum(seq_tup_read + idx_tup_fetch)::int from pg_stat_xact_user_tables
					where relname in ('messages', 'channel_entries', 'receipts') and rows >= 0) as read from called`,
			);
			// search looks through the newest 2,000 before it asks its index.
			const most = call.startsWith('search') ? 2_100 : 350;
			const least = /^(channels|mailbox_state)/.test(call) ? 0 : (row!['rows'] as number);
			const read = row!['read'] as number;
			if (read > most || read < least) unexpected.push(`${call} read ${read} rows`);
		}
		expect(unexpected).toEqual([]);
	});

	test('search finds words and phrases in websearch syntax, newest first', async () => {
		await write('[A] the quick brown fox', '[B] a brown bear', '[A] quick bear');
		expect(await ids(`search_messages('brown')`)).toEqual([2, 1]);
		expect(await ids(`search_messages('"quick brown"')`)).toEqual([1]);
		expect(await ids(`search_messages('brown -fox')`)).toEqual([2]);
		expect(await ids(`search_messages('fox or bear', 2)`)).toEqual([3, 2]);
		expect(await ids(`search_messages('')`)).toEqual([]);
		expect(await ids(`search_messages('((" ''')`)).toEqual([]);
	});

	test('the inbox has messages that mention the reader, and those to everyone since it joined', async () => {
		await write('[A] to all, before', '[A] @B by name, before');
		expect(await ids(`inbox('b')`)).toEqual([2]);
		await database.as(B, 'select agent_touch()');
		await write('[A] to all', '[A] @C not yours', '[B] my own', '[B] @b a note to self');
		expect(await ids(`inbox('B')`)).toEqual([2, 3, 6]);
		expect(await ids(`inbox('B', 1)`)).toEqual([2]);
	});

	test('acked messages leave the inbox, in any order, and never come back', async () => {
		await database.as(B, 'select agent_touch()');
		await write('1', '2', '3', '4');
		expect(await database.as(agent('b'), `select receipt_ack('{3,3,99}', 'mcp')`)).toEqual([{receipt_ack: 1}]);
		expect(await ids(`inbox('B')`)).toEqual([1, 2, 4]);
		expect(await database.as(B, `select receipt_ack('{1,3}', 'mcp')`)).toEqual([{receipt_ack: 1}]);
		expect(await ids(`inbox('B')`)).toEqual([2, 4]);
		expect(await database.as(A, 'select reader, id from cursors')).toEqual([{reader: 'B', id: 4}]);
		expect(await database.as(owner, 'select reader, message_id from agentmux.unacked order by 2')).toEqual([
			{reader: 'B', message_id: 2},
			{reader: 'B', message_id: 4},
		]);
		await database.as(B, `select receipt_ack('{2,4}', 'mcp')`);
		expect(await ids(`inbox('B')`)).toEqual([]);
		expect(await database.as(owner, 'select from agentmux.unacked')).toEqual([]);
		await write('5');
		expect(await ids(`inbox('B')`)).toEqual([5]);
	});

	test('delivered is noted once, acked once, and acked is never undone', async () => {
		await write('x');
		expect(await database.as(B, `select receipt_deliver('{1}', 'hook')`)).toEqual([{receipt_deliver: 1}]);
		expect(await database.as(B, `select receipt_deliver('{1}', 'mcp')`)).toEqual([{receipt_deliver: 0}]);
		expect(await database.as(A, 'select reader, state, route, acked_at from receipts')).toEqual([
			{reader: 'B', state: 'delivered', route: 'hook', acked_at: null},
		]);
		expect(await database.as(agent('b'), `select receipt_ack('{1}', 'mcp')`)).toEqual([{receipt_ack: 1}]);
		expect(await database.as(B, `select receipt_ack('{1}', 'mcp')`)).toEqual([{receipt_ack: 0}]);
		expect(await database.as(B, `select receipt_deliver('{1}', 'mcp')`)).toEqual([{receipt_deliver: 0}]);
		expect(await database.as(A, 'select reader, state, route, acked_at is not null as acked from receipts')).toEqual([
			{reader: 'B', state: 'acked', route: 'mcp', acked: true},
		]);
	});

	test('receipts show each stage: taken, delivered, acked, and how often', async () => {
		const receipt = async () =>
			(
				await database.as(
					A,
					`select state, route, attempts, takes, delivered_at is not null as delivered,
						round(extract(epoch from lease_until - clock_timestamp())) as lease from receipts`,
				)
			)[0];
		await write('@B x');
		expect(await ids('inbox_take()', B)).toEqual([1]);
		expect(await receipt()).toMatchObject({
			state: 'taken',
			route: null,
			attempts: 0,
			takes: 1,
			delivered: false,
			lease: '30',
		});
		expect(await ids(`inbox_take(p_route => 'mcp')`, agent('b'))).toEqual([]);
		await database.script('update receipts set lease_until = clock_timestamp()');
		expect(await ids(`inbox_take(5, 'hook', 90)`, agent('b'))).toEqual([1]);
		expect(await receipt()).toMatchObject({
			state: 'taken',
			route: 'hook',
			attempts: 0,
			takes: 2,
			delivered: false,
			lease: '90',
		});
		expect(await database.as(B, `select receipt_deliver('{1}', 'mcp')`)).toEqual([{receipt_deliver: 1}]);
		expect(await receipt()).toMatchObject({
			state: 'delivered',
			route: 'mcp',
			attempts: 1,
			takes: 0,
			delivered: true,
			lease: '600',
		});
		await database.as(B, `select receipt_ack('{1}', 'reply')`);
		expect(await receipt()).toMatchObject({state: 'acked', route: 'reply', attempts: 1, delivered: true, lease: null});
	});

	test('taking needs an identity, and gives it only its own mail', async () => {
		await write('@B x');
		expect(await ids('inbox_take()')).toEqual([]);
		expect(await ids('inbox_take()', service('B'))).toEqual([1]);
		await expect(ids('inbox_take()', owner)).rejects.toMatchObject({
			code: '42501',
			message: 'plain SQL has no identity',
		});
		await expect(ids(`agentmux.waiting('B', 5, true)`)).rejects.toMatchObject({code: '42501'});
	});

	test('a reply acks the message that it replies to, for its author', async () => {
		const reply = 'insert into messages (content, reply_to) values ($1, $2)';
		await write('@B 1', '@B 2', '@B 3');
		await database.as(B, reply, ['[B] done', 1]);
		await database.as(owner, reply, ['[B] done', 2]);
		await database.as(human(), reply, ['[B] as B', 3]);
		await database.as(owner, reply, ['nobody', 3]);
		expect(await database.as(A, 'select message_id, reader, state, route from receipts order by 1')).toEqual([
			{message_id: 1, reader: 'B', state: 'acked', route: 'reply'},
			{message_id: 2, reader: 'B', state: 'acked', route: 'reply'},
			{message_id: 3, reader: 'HUMAN', state: 'acked', route: 'reply'},
		]);
		expect(await ids(`inbox('B')`)).toEqual([3]);
	});

	test('only the reader can write its receipts', async () => {
		await write('x');
		for (const sql of [
			`insert into receipts (message_id, reader) values (1, 'B')`,
			`update receipts set reader = 'B'`,
			'delete from receipts',
			`select agentmux.ack('B', '{1}', 'x')`,
		]) {
			await expect(database.as(A, sql)).rejects.toMatchObject({code: '42501'});
		}
		await expect(database.as(owner, `select receipt_ack('{1}', 'x')`)).rejects.toMatchObject({
			code: '42501',
			message: 'plain SQL has no identity',
		});
	});

	test('touching adds an agent once, and then updates the given fields', async () => {
		const [joined] = await database.as(agent('Claude'), `select * from agent_touch(p_role => 'builder')`);
		expect(joined).toMatchObject({
			tag: 'Claude',
			kind: 'agent',
			role: 'builder',
			presence: 'idle',
			revoked_at: null,
			meta: {},
		});
		const [seen] = await database.as(agent('CLAUDE'), `select * from agent_touch('working')`);
		expect(seen).toMatchObject({tag: 'Claude', role: 'builder', presence: 'working', joined_at: joined!['joined_at']});
		await database.as(human(), 'select agent_touch()');
		await database.as(service('HUMAN'), 'select agent_touch()');
		expect(await database.as(A, 'select tag, kind from agents order by 1')).toEqual([
			{tag: 'Claude', kind: 'agent'},
			{tag: 'HUMAN', kind: 'human'},
		]);
		await expect(database.as(A, `select agent_touch('asleep')`)).rejects.toMatchObject({
			constraint: 'agents_presence_known',
		});
		await expect(database.as(A, `update agents set kind = 'human'`)).rejects.toMatchObject({code: '42501'});
	});
});
