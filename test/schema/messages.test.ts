import fc from 'fast-check';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {maxContentBytes, mentionsIn} from '../../source/mailbox/message.ts';
import {agent, anon, engines, human, type MigratedDatabase, owner, service, stranger} from '../helpers/migrated.ts';

describe.each(engines)('messages on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const insert = 'insert into messages (content) values ($1) returning *, xid::text as xid';
	const reply = 'insert into messages (content, reply_to) values ($1, $2) returning *';

	test('plain SQL that names nothing but the content fills every other column', async () => {
		const [row] = await database.as(owner, insert, ['[CLAUDE_1] hello @CLAUDE_TWIN']);
		expect(row).toMatchObject({
			id: 1,
			content: '[CLAUDE_1] hello @CLAUDE_TWIN',
			tag: 'CLAUDE_1',
			body: 'hello @CLAUDE_TWIN',
			mentions: ['CLAUDE_TWIN'],
			reply_to: null,
			thread_id: 1,
			client_id: null,
			meta: {},
			author_tag: null,
			author_kind: null,
			verified: false,
		});
		expect(row!['xid']).toMatch(/^\d+$/);
		expect(row!['created_at']).toBeInstanceOf(Date);
	});

	test.each([
		['[A] x', 'A', 'x'],
		['[a-B_9]\n\t two\nlines ', 'a-B_9', 'two\nlines '],
		['[A]\u3000\u00a0x', 'A', 'x'],
		['[A][B] x', 'A', '[B] x'],
		['[A]', 'A', ''],
		[' [A] x', 'UNTAGGED', ' [A] x'],
		['[1A] x', 'UNTAGGED', '[1A] x'],
		[`[${'A'.repeat(32)}] x`, 'A'.repeat(32), 'x'],
		[`[${'A'.repeat(33)}] x`, 'UNTAGGED', `[${'A'.repeat(33)}] x`],
		['[Ä] x', 'UNTAGGED', '[Ä] x'],
		['x\n[A] y', 'UNTAGGED', 'x\n[A] y'],
		['no brackets', 'UNTAGGED', 'no brackets'],
	])('%j has the tag %s', async (content, tag, body) => {
		const [row] = await database.as(owner, insert, [content]);
		expect(row).toMatchObject({tag, body});
	});

	test('mentions are the same as those that the code finds, in any text', async () => {
		const piece = fc.oneof(
			fc.constantFrom(
				'@',
				'@A',
				'@a',
				'@B-1',
				'x',
				'.',
				' ',
				'\n',
				'@@',
				'_',
				'-',
				'[A]',
				'ß',
				'@é',
				`@${'L'.repeat(32)}`,
				`@${'L'.repeat(33)}`,
			),
			fc.string({unit: 'grapheme', maxLength: 3}),
		);
		const text = fc
			.array(piece, {maxLength: 20})
			.map(pieces => pieces.join(''))
			.filter(content => content !== '' && content.isWellFormed() && !content.includes('\0'));
		await fc.assert(
			fc.asyncProperty(fc.array(text, {minLength: 20, maxLength: 20}), async contents => {
				const rows = await database.as(
					owner,
					'select body, mentions from unnest($1::text[]) with ordinality as given (content, place) cross join lateral (select agentmux.body(content) as body, agentmux.mentions(content) as mentions) as derived order by place',
					[contents],
				);
				expect(rows.map(row => row['mentions'])).toEqual(rows.map(row => mentionsIn(row['body'] as string)));
			}),
			{numRuns: 40},
		);
	});

	test('a content of the largest size is taken, found and read back whole', async () => {
		const content = `[A] needle ${'wörd '.repeat(50_000)}`.slice(0, 200_000);
		const full = content + 'x'.repeat(maxContentBytes - Buffer.byteLength(content));
		const [row] = await database.as(owner, insert, [full]);
		expect(row!['content']).toBe(full);
		expect(await database.as(agent('A'), `select id from search_messages('needle')`)).toEqual([{id: 1}]);
		const mentioning = '@a'.padEnd(3).repeat(maxContentBytes / 3);
		await expect(database.as(owner, insert, [mentioning])).resolves.toHaveLength(1);
	});

	test('a content of 262,144 bytes in many distinct words is taken too', async () => {
		const words = Array.from(
			{length: 60_000},
			(_, index) => String.fromCodePoint(0x4e00 + (index % 20_000)) + index.toString(36),
		);
		let content = words.join(' ');
		while (Buffer.byteLength(content) > maxContentBytes) content = content.slice(0, -100);
		await expect(database.as(owner, insert, [content])).resolves.toHaveLength(1);
	});

	test('too large and empty contents are refused by constraints whose names say so', async () => {
		await expect(database.as(owner, insert, ['x'.repeat(maxContentBytes + 1)])).rejects.toMatchObject({
			code: '23514',
			constraint: 'messages_content_at_most_262144_bytes',
		});
		await expect(database.as(owner, insert, [''])).rejects.toMatchObject({
			code: '23514',
			constraint: 'messages_content_not_empty',
		});
	});

	test('a reply joins the thread of the message that it replies to', async () => {
		await database.as(owner, insert, ['root']);
		await database.as(owner, insert, ['another']);
		expect(await database.as(owner, reply, ['first', 1])).toMatchObject([{id: 3, thread_id: 1, reply_to: 1}]);
		expect(await database.as(owner, reply, ['second', 3])).toMatchObject([{id: 4, thread_id: 1, reply_to: 3}]);
	});

	test('a reply to a message that does not exist is refused with a message', async () => {
		await expect(database.as(agent('A'), reply, ['[A] x', 7])).rejects.toMatchObject({
			code: '23503',
			message: 'message 7, which this replies to, does not exist',
		});
	});

	test('an agent writes under its own tag in any case, and is named as the verified author', async () => {
		expect(await database.as(agent('CLAUDE_1'), insert, ['[claude_1] hi'])).toMatchObject([
			{tag: 'claude_1', author_tag: 'CLAUDE_1', author_kind: 'agent', verified: true},
		]);
	});

	test.each(['[OTHER] hi', 'hi', '[UNTAGGED] hi'])('an agent may not write %j', async content => {
		await expect(database.as(agent('CLAUDE_1'), insert, [content])).rejects.toMatchObject({
			code: '42501',
			message: expect.stringMatching(
				/^you are CLAUDE_1 and may only write as CLAUDE_1, not as (OTHER|UNTAGGED)$/,
			) as string,
			hint: 'Begin the content with [CLAUDE_1].',
		});
	});

	test('the policy refuses a foreign tag even without the trigger that says why', async () => {
		await database.script('alter table messages disable trigger messages_before_insert_derive');
		try {
			await expect(database.as(agent('A'), insert, ['[B] x'])).rejects.toMatchObject({
				code: '42501',
				message: expect.stringContaining('row-level security') as string,
			});
			await expect(database.as(stranger, insert, ['[B] x'])).rejects.toMatchObject({code: '42501'});
			await expect(database.as(agent('A'), insert, ['[A] x'])).resolves.toHaveLength(1);
		} finally {
			await database.script('alter table messages enable trigger messages_before_insert_derive');
		}
	});

	test('a human writes under any tag and none, and stays the author', async () => {
		expect(await database.as(human(), insert, ['[CLAUDE_1] go on'])).toMatchObject([
			{tag: 'CLAUDE_1', author_tag: 'HUMAN', author_kind: 'human', verified: true},
		]);
		expect(await database.as(human(), insert, ['go on'])).toMatchObject([{tag: 'UNTAGGED', author_tag: 'HUMAN'}]);
	});

	test('a service key writes under any tag, unverified, as the tag that it says it acts as', async () => {
		expect(await database.as(service('HUMAN'), insert, ['[X] a'])).toMatchObject([
			{author_tag: 'HUMAN', author_kind: 'agent', verified: false},
		]);
		expect(await database.as(service(), insert, ['[X] a'])).toMatchObject([
			{author_tag: null, author_kind: null, verified: false},
		]);
		expect(await database.as(service('no tag!'), insert, ['[X] a'])).toMatchObject([{author_tag: null}]);
	});

	test('author, transaction and time cannot be claimed, not even by the owner', async () => {
		const forge = `insert into messages (content, author_tag, author_kind, verified, xid, created_at, thread_id) values ('[A] x', 'HUMAN', 'human', true, '3', '2001-01-01', 99) returning *, xid = pg_current_xact_id() as own_xid`;
		for (const caller of [owner, service()]) {
			const [row] = await database.as(caller, forge);
			expect(row).toMatchObject({
				author_tag: null,
				author_kind: null,
				verified: false,
				own_xid: true,
				thread_id: row!['id'],
			});
			expect((row!['created_at'] as Date).getFullYear()).toBeGreaterThan(2001);
		}
		await expect(database.as(agent('A'), forge)).rejects.toMatchObject({code: '42501'});
		await expect(
			database.as(agent('A'), `select set_config('agentmux.author', 'system', true)`),
		).resolves.toBeDefined();
	});

	test('an agent cannot pass for the system', async () => {
		const [row] = await database.as(
			agent('A'),
			`with claimed as materialized (select set_config('agentmux.author', 'system', true) as s) insert into messages (content) select '[A] x' from claimed where s is not null returning *`,
		);
		expect(row).toMatchObject({author_tag: 'A', author_kind: 'agent'});
	});

	test('the same client_id inserts once, by the upsert that supabase-js sends', async () => {
		const upsert = `insert into messages (content, client_id, reply_to, meta) select content, client_id, reply_to, meta from json_to_recordset($1) as _ (content text, client_id uuid, reply_to bigint, meta jsonb) on conflict (client_id) do nothing returning messages.*`;
		const rows = JSON.stringify([{content: '[A] once', client_id: '6f2c8a7e-0d5e-4b33-9a67-3c9c0ce0a001'}]);
		expect(await database.as(agent('A'), upsert, [rows])).toMatchObject([{content: '[A] once', meta: {}}]);
		expect(await database.as(agent('A'), upsert, [rows])).toEqual([]);
		expect(await database.as(agent('A'), 'select count(*) from messages')).toEqual([{count: 1}]);
	});

	test('meta is an object of bounded size', async () => {
		const withMeta = 'insert into messages (content, meta) values ($1, $2) returning meta';
		expect(await database.as(agent('A'), withMeta, ['[A] x', '{"a":1}'])).toEqual([{meta: {a: 1}}]);
		await expect(database.as(agent('A'), withMeta, ['[A] x', '[1]'])).rejects.toMatchObject({
			constraint: 'messages_meta_is_an_object',
		});
		await expect(
			database.as(agent('A'), withMeta, ['[A] x', JSON.stringify({a: 'x'.repeat(70_000)})]),
		).rejects.toMatchObject({
			constraint: 'messages_meta_at_most_65536_bytes',
		});
	});

	test('nobody can change or delete a message, not even the service role or the owner', async () => {
		await database.as(agent('A'), insert, ['[A] x']);
		await database.as(owner, reply, ['reply', 1]);
		const before = await database.as(owner, 'select * from messages order by id');
		const changes = [
			...Object.entries({
				id: '7',
				content: `'[A] y'`,
				author_tag: `'HUMAN'`,
				author_kind: `'human'`,
				verified: 'true',
				xid: `'3'`,
				created_at: `'2020-01-01'`,
				client_id: 'gen_random_uuid()',
				thread_id: '9',
				reply_to: 'null',
				meta: `'{"a": 1}'`,
			}).map(([column, value]) => `update messages set ${column} = ${value} where id = 2`),
			`insert into messages (id, content) values (2, 'z') on conflict (id) do update set content = excluded.content`,
			`merge into messages as m using (select 2 as id) as s on m.id = s.id when matched then update set content = 'z'`,
			'delete from messages where id = 2',
			'truncate messages cascade',
		];
		for (const sql of changes) {
			for (const caller of [agent('A'), human(), service()]) {
				await expect(database.as(caller, sql)).rejects.toMatchObject({code: '42501'});
			}
			await expect(database.as(owner, sql)).rejects.toMatchObject({
				code: '42501',
				message: expect.stringMatching(
					/^messages are append-only(: message 2 cannot be (changed|deleted)| and cannot be truncated)$/,
				),
				hint: expect.stringContaining('redact_message('),
			});
		}
		expect(await database.as(owner, 'select * from messages order by id')).toEqual(before);
	});

	test('a signed-in user who is not an agent reads nothing and writes nothing', async () => {
		await database.as(owner, insert, ['secret']);
		for (const table of ['messages', 'tasks', 'agents', 'receipts', 'cursors', 'mux_meta']) {
			expect(await database.as(stranger, `select * from ${table}`)).toEqual([]);
		}
		await expect(database.as(stranger, insert, ['[A] x'])).rejects.toMatchObject({
			code: '42501',
			message: 'this token does not name an agent',
		});
	});

	test('a revoked agent reads nothing and writes nothing, and is told why', async () => {
		await database.as(agent('Bad'), 'select agent_touch()');
		await database.as(agent('Bad'), insert, ['[Bad] x']);
		await database.as(service(), `update agents set revoked_at = now() where tag = 'Bad'`);
		expect(await database.as(agent('BAD'), 'select * from messages')).toEqual([]);
		for (const sql of [
			'select * from messages_since()',
			'select agent_touch()',
			`insert into messages (content) values ('[BAD] x')`,
		]) {
			await expect(database.as(agent('BAD'), sql)).rejects.toMatchObject({
				code: '42501',
				message: 'BAD has been revoked',
			});
		}
	});

	test('a human, a service key and the owner can revoke and restore an agent repeatedly', async () => {
		await database.as(agent('Bad'), 'select agent_touch()');
		const revoke = 'select tag, revoked_at from agent_revoke($1)';
		const restore = 'select tag, revoked_at from agent_restore($1)';
		for (const caller of [human(), service(), service('Other'), owner]) {
			const [first] = await database.as(caller, revoke, ['BAD']);
			expect(first).toEqual({tag: 'Bad', revoked_at: expect.any(Date)});
			expect(await database.as(caller, revoke, ['bad'])).toEqual([first]);
			await expect(database.as(agent('Bad'), 'select * from inbox_take()')).rejects.toMatchObject({
				code: '42501',
				message: 'Bad has been revoked',
				hint: 'A human can restore it: `agentmux agents restore Bad`.',
			});
			expect(await database.as(caller, restore, ['BAD'])).toEqual([{tag: 'Bad', revoked_at: null}]);
			expect(await database.as(caller, restore, ['Bad'])).toEqual([{tag: 'Bad', revoked_at: null}]);
			expect(await database.as(agent('Bad'), 'select * from inbox_take()')).toEqual([]);
		}
	});

	test('no agent can revoke or restore; nobody can revoke itself, and only agents that have joined can be revoked', async () => {
		await database.as(agent('Bad'), 'select agent_touch()');
		await database.as(human('Me'), 'select agent_touch()');
		for (const name of ['agent_revoke', 'agent_restore']) {
			const call = `select ${name}($1)`;
			await expect(database.as(agent('Other'), call, ['Bad'])).rejects.toMatchObject({
				code: '42501',
				message: 'only a human may revoke and restore agents',
			});
			await expect(database.as(stranger, call, ['Bad'])).rejects.toMatchObject({code: '42501'});
			await expect(database.as(anon, call, ['Bad'])).rejects.toMatchObject({code: '42501'});
			await expect(database.as(human(), call, ['Nobody'])).rejects.toMatchObject({
				code: 'P0002',
				message: 'Nobody has not joined',
			});
			await expect(database.as(human(), call, [null])).rejects.toMatchObject({code: 'P0002'});
		}
		await expect(database.as(human('Me'), 'select agent_revoke($1)', ['ME'])).rejects.toMatchObject({
			code: '22023',
			message: 'you are Me and cannot revoke yourself',
		});
		await expect(database.as(human(), `select agentmux.set_revoked('Bad', true)`)).rejects.toMatchObject({
			code: '42501',
		});
		await database.as(service(), `select agent_revoke('Me')`);
		await expect(database.as(human('Me'), `select agent_restore('Me')`)).rejects.toMatchObject({
			code: '42501',
			message: 'Me has been revoked',
		});
	});

	test('anon has no rights: no table, no function', async () => {
		const objects = await database.as(
			owner,
			`select format('table %s', c.relname) as name from pg_class as c where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
			union all select format('function %s', p.oid::regprocedure) from pg_proc as p where pronamespace = 'public'::regnamespace and has_function_privilege('anon', p.oid, 'execute')
			union all select format('column %s.%s', attrelid::regclass, attname) from pg_attribute where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r') and attnum > 0 and has_column_privilege('anon', attrelid, attnum, 'select, insert, update, references')`,
		);
		expect(objects).toEqual([]);
		await expect(database.as(anon, 'select * from messages')).rejects.toMatchObject({code: '42501'});
		await expect(database.as(anon, 'select * from channels()')).rejects.toMatchObject({code: '42501'});
	});

	// A body in standard SQL is bound to what it names when it is made, and looks along no path.
	test('every table has row level security and every function a fixed search_path', async () => {
		expect(
			await database.as(
				owner,
				`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and not relrowsecurity`,
			),
		).toEqual([]);
		expect(
			await database.as(
				owner,
				`select oid::regprocedure::text from pg_proc where pronamespace = 'public'::regnamespace and prosqlbody is null and not exists (select from unnest(proconfig) as c where c like 'search_path=%')`,
			),
		).toEqual([]);
	});

	test('the publication has the tables that Realtime reports', async () => {
		expect(
			await database.as(
				owner,
				`select tablename from pg_publication_tables where pubname = 'supabase_realtime' order by 1`,
			),
		).toEqual(['agents', 'messages', 'receipts', 'tasks'].map(tablename => ({tablename})));
	});
});
