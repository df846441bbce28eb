import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {
	agent,
	engines,
	human,
	openPostgres,
	owner,
	type Caller,
	type Connection,
	type MigratedDatabase,
} from '../helpers/migrated.ts';

const me = agent('EVIL');
const other = agent('GOOD');

/** Nothing but a call or an insert with its values written out. */
const plain = [
	`select task_add('x')`,
	`select * from task_add('x', p_depends_on => array[1])`,
	`select (task_add('x', p_depends_on => array[1,2]::bigint[])).id`,
	`select * from public.task_add('x', p_depends_on := '{1}') as t;`,
	`SELECT t.id AS task, t.* FROM task_claim() t LIMIT 1`,
	`-- take one\nselect task_finish(1, 2, true, '{"a": 1}'::jsonb, 'results') /* done */`,
	`select task_add(p_title => 'it''s', p_run_at => now() + interval '1 hour', p_priority => -3)`,
	'select task_add($1, p_depends_on => $2::bigint[])',
	String.raw`select task_add($$ a 'b' $ c $$, E'a\'b')`,
	`select task_plan('p', jsonb_build_array(jsonb_build_object('title', 'a'), jsonb_build_object('title', 'b' || 'c')))`,
	`insert into public.messages (content, reply_to) values ('[A] x; y', 1), ('[A] y', null) returning id, content`,
	'with mine as (select * from task_claim()) select id, title from mine',
	'select task_cancel(1), task_cancel(2)',
	`select "id" from "task_claim"('q')`,
	`select task_add(('x'), cast('1' as int), p_run_at => timestamptz '2030-01-01')`,
];

/** Something is computed before, after or beside it; or this cannot be read for certain. */
const notPlain = [
	'select 1',
	`select task_add('x') where true`,
	'select task_add(title) from tasks',
	`select task_add(repeat('x', 5))`,
	`select task_add('x'), length('x')`,
	`select (task_add('x')).*`,
	String.raw`select task_add(U&'\0041')`,
	`select length((task_add('x')).title)`,
	`select (task_add('x')).id + 1`,
	`select (select task_add('x'))`,
	`insert into messages (content) select repeat('x', 5)`,
	`insert into messages (content) values (repeat('a', 4))`,
	`insert into messages (content) values ('x') returning length(content)`,
	`insert into others (content) values ('x')`,
	`select * from task_add('x'), task_add('y')`,
	`select task_add('x'); select 1`,
	`select task_add('a' /* /* */ , length('x')) -- */)`,
	`select task_add('x') -- \r, length('x')`,
	`select task_add('x'$tag$, length('x')$tag$)`,
	`select task_add('x'::own)`,
	`select other.task_add('x')`,
	'select * from task_claim() where id > 1',
	'with t as (select * from task_claim()) select length(title) from t',
	`select task_add(x'41')`,
	`select task_add('x', "U&""a"" ")`,
];

describe.each(engines)('SQL of an agent that changes tasks, on $engine', ({open}) => {
	let database: MigratedDatabase;
	const script = (...statements: string[]): Promise<unknown[]> =>
		database
			.as(me, 'select row from agent_script(array(select jsonb_array_elements_text($1::jsonb))) as row', [
				JSON.stringify(statements),
			])
			.then(rows => rows.map(({row}) => row));
	beforeAll(async () => {
		database = await open();
		await database.as(me, 'select mux_make_role()');
	});
	afterAll(() => database.close());

	it('is recognised by its text', async () => {
		const ask = async (sql: string): Promise<unknown> =>
			(await database.as(owner, 'select agentmux.is_plain($1) as plain', [sql]))[0]?.['plain'];
		for (const sql of plain) expect([sql, await ask(sql)]).toEqual([sql, true]);
		for (const sql of notPlain) expect([sql, await ask(sql)]).toEqual([sql, false]);
	});

	it('works in the usual forms', async () => {
		const [{id: first}] = (await script(`select id from task_add('first')`)) as [{id: number}];
		const [{id: second}] = (await script(`select (task_add('second', p_depends_on => array[${first}])).id`)) as [
			{id: number},
		];
		const [claimed] = (await script(`select id, lease_token as token from task_claim('default', 60)`)) as [
			{id: number; token: number},
		];
		expect(claimed.id).toBe(first);
		await script(`select task_heartbeat(${first}, ${claimed.token})`);
		// With its results before, and what it says of them behind.
		expect(
			await script(
				'create table results (id int, note text)',
				`insert into results select g, 'note ' || g from generate_series(1, 3) as g`,
				`select task_finish(${first}, ${claimed.token}, true, '{"rows": 3}', 'results')`,
				`insert into messages (content) values ('[EVIL] the results are there @GOOD')`,
				`select id, title from task_claim('default')`,
			),
		).toEqual([{id: second, title: 'second'}]);
		// Many at once, which nobody waits for.
		await script(`select task_add('read ' || note) from results`, 'select count(*) from tasks');
		expect(
			await script(`insert into messages (content, reply_to) select '[EVIL] ' || note, 1 from results returning id`),
		).toHaveLength(3);
		await script(`select receipt_ack(array(select id from messages), 'sql')`, 'select count(*) from tasks');
		const parameters = await database.as(me, 'select row from agent_sql($1, $2) as row', [
			'select title from task_add($1, p_depends_on => $2::bigint[])',
			['third', `{${second}}`],
		]);
		expect(parameters).toEqual([{row: {title: 'third'}}]);
	});

	it('is refused if anything follows, and says what to do', async () => {
		await expect(script(`select (task_add('x', p_depends_on => array[1])).id`, 'select 1')).rejects.toMatchObject({
			code: '42501',
			message: 'an agent can only change tasks with a statement that does nothing else',
			hint: expect.stringContaining('In a script, such calls must come last.') as string,
		});
		await expect(script('select length(title) from task_cancel(1)')).rejects.toMatchObject({code: '42501'});
		await expect(script(`select agent_touch('working')`, 'select 1')).rejects.toThrow('can only change agents');
		// By whatever array it comes: what is not at its end is not the end.
		await expect(
			database.as(me, `select agent_script('[5:6]={"select task_cancel(1)","select 1"}'::text[])`),
		).rejects.toMatchObject({code: '42501'});
		await expect(
			script(`select query_to_xml('select task_cancel(1)', true, true, '')`, 'select 1'),
		).rejects.toBeDefined();
	});
});

describe('while the SQL of an agent runs on, on PostgreSQL', () => {
	let database: Awaited<ReturnType<typeof openPostgres>>;
	let holder: Connection;
	let prober: Connection;
	beforeAll(async () => {
		database = await openPostgres();
		holder = await database.connect();
		prober = await database.connect();
	});
	afterAll(() => database.close());

	/** Begins a transaction as that caller, which stays open. */
	async function begin({client}: Connection, caller: Caller): Promise<void> {
		await client.query(`begin; set local lock_timeout = '500ms'`);
		if (caller.role === 'owner') return;
		const values = [JSON.stringify(caller.claims), caller.role];
		await client.query(`select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)`, values);
	}

	it('nobody waits for it, whatever it called', async () => {
		const as: Connection['as'] = (...query) => holder.as(...query);
		for (const caller of [me, other]) {
			await as(caller, `select agent_touch('idle')`);
			await as(caller, 'select mux_make_role()');
		}
		await as(human(), `insert into messages (content) values ('[HUMAN] hello @EVIL')`);
		await as(me, `insert into messages (content) values ('[EVIL] mine')`);
		const add = async (caller: Caller, title: string): Promise<number> =>
			Number((await as(caller, 'select id from task_add($1)', [title]))[0]?.['id']);
		const free = await add(me, 'free');
		const cancelled = await add(me, 'cancelled');
		const claim = async (caller: Caller): Promise<string> => {
			const id = await add(caller, 'claimed');
			const [row] = await as(caller, `select lease_token from task_claim('default', 60, $1)`, [id]);
			return `${id}, ${String(row?.['lease_token'])}`;
		};
		const mine = await claim(me);
		const theirs = await claim(other);
		await as(me, 'select task_cancel($1)', [cancelled]);
		const holds = [
			'select count(*) from tasks, messages',
			`insert into messages (content, reply_to) values ('[EVIL] x @GOOD', 1), ('[EVIL] y', 2)`,
			`select task_add('x')`,
			`select task_add('x', p_idem_key => 'key')`,
			`select task_add('x', p_depends_on => array[${free}])`,
			`select task_add('x', p_parent_id => ${free})`,
			`select task_plan('x', '[{"title": "a"}]')`,
			`select task_claim('none')`,
			`select task_claim('default', 60, ${free})`,
			`select task_heartbeat(${mine})`,
			'select task_renew(p_others => 60)',
			`select task_progress(${mine}, 0.5)`,
			`select task_finish(${mine})`,
			`select task_cancel(${free})`,
			`select task_retry(${cancelled})`,
			`select task_assign(${free}, 'GOOD')`,
			`select task_reprioritise(${free}, 5)`,
			'select task_reap()',
			`select agent_touch('working')`,
			'select inbox_take()',
			`select receipt_ack(array[1], 'x')`,
			`select receipt_deliver(array[1], 'x')`,
			`select receipt_release('x')`,
			'select redact_message(2)',
			'select seal_history()',
			'select verify_history(0, 10)',
			'select mailbox_state()',
			'create table made (a int)',
			'select pg_advisory_xact_lock(1)',
		];
		const probes: ReadonlyArray<readonly [Caller, string]> = [
			[human(), `select task_add('p', p_depends_on => array[${free}])`],
			[human(), `select task_add('x', p_idem_key => 'key')`],
			[human(), `select task_assign(${free})`],
			[human(), `select task_cancel(${free})`],
			[human(), `select task_cancel(${mine.split(',')[0]})`],
			[other, `select task_claim('default')`],
			[other, `select task_heartbeat(${theirs})`],
			[other, `select task_finish(${theirs})`],
			[owner, `select agentmux.reap('1 second', true)`],
			[other, `select agent_touch('working')`],
			[human(), `select agent_revoke('EVIL')`],
			[owner, `select agentmux.end_tokens('EVIL')`],
			[human(), `insert into messages (content, reply_to) values ('[HUMAN] p @EVIL', 2)`],
			[human(), 'select redact_message(1), redact_message(2)'],
			[owner, 'select agentmux.seal(2)'],
			[human(), 'select mailbox_state()'],
			[other, 'select inbox_take()'],
			[other, `select receipt_ack(array[1], 'x')`],
			[agent('NEW'), 'select mux_make_role()'],
			[other, `select agent_sql('create table goods (a int)')`],
		];
		const waits: string[] = [];
		for (const held of holds) {
			await begin(holder, me);
			await holder.client.query(`select agent_script(array[$1, 'select 1'])`, [held]).catch(() => undefined);
			for (const [caller, probe] of probes) {
				await begin(prober, caller);
				try {
					await prober.client.query(probe);
				} catch (error) {
					waits.push(`${held}: ${probe}: ${(error as Error).message}`);
				} finally {
					await prober.client.query('rollback');
				}
			}
			await holder.client.query('rollback');
		}
		expect(waits).toEqual([]);
	});
});
