import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {agent, anon, engines, human, owner, service, stranger, type MigratedDatabase} from '../helpers/migrated.ts';
import {attempts, before} from '../security/sql/attempts.ts';

const me = agent('CLAUDE_1');
const asHuman = `'{"role":"authenticated","app_metadata":{"agent_tag":"HUMAN","kind":"human"}}'`;

/** All that is not CLAUDE_1's own: words, people, receipts, roles, rights, code, and what a session could have kept. */
const fingerprint = `
	select md5(jsonb_build_array(
		(select jsonb_agg(m order by m.id) from messages as m where m.author_tag is distinct from 'CLAUDE_1'),
		(select jsonb_agg(a order by a.tag) from agents as a),
		(select jsonb_agg(r) from receipts as r where r.reader <> 'CLAUDE_1'),
		(select jsonb_agg(to_jsonb(r) order by r.rolname) from pg_roles as r),
		(select jsonb_agg(array[m.roleid, m.member] order by m.roleid, m.member) from pg_auth_members as m),
		(select jsonb_agg(array[n.nspname::text, n.nspacl::text] order by n.nspname) from pg_namespace as n where n.nspname !~ '^pg_'),
		(select jsonb_agg(array[c.relname::text, c.relacl::text, c.relrowsecurity::text, c.relkind::text] order by c.relname)
			from pg_class as c where c.relnamespace in ('public'::regnamespace, 'agentmux'::regnamespace) and c.relowner <> '"agent_CLAUDE_1"'::regrole),
		(select jsonb_agg(array[p.oid::regprocedure::text, p.proacl::text, p.prosrc] order by p.oid) from pg_proc as p
			where p.pronamespace in ('public'::regnamespace, 'agentmux'::regnamespace)),
		(select jsonb_agg(array[t.tgname::text, t.tgenabled::text] order by t.oid) from pg_trigger as t where not t.tgisinternal),
		(select count(*) from pg_largeobject_metadata), (select count(*) from pg_cursors), (select count(*) from pg_listening_channels()),
		(select count(*) from pg_locks where locktype = 'advisory'), (select count(*) from pg_class where relpersistence = 't'),
		current_user, current_setting('role'), current_setting('search_path'), current_setting('statement_timeout'),
		current_setting('client_encoding'), current_setting('default_transaction_read_only'),
		coalesce(current_setting('request.jwt.claims', true), ''), coalesce(current_setting('agentmux.author', true), '')
	)::text) as whole`;

describe.each(engines)('SQL of an agent on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());

	/** Of the agents that have their role already. */
	const run = async (sql: string, caller = me): Promise<unknown[]> =>
		(await database.as(caller, 'select row from agent_sql($1) as row', [sql])).map(({row}) => row);
	const makeRole = (caller = me): Promise<unknown> => database.as(caller, 'select mux_make_role()');
	const rowsOf = (sql: string, caller = me): Promise<unknown[]> =>
		run(sql, caller).catch(async (error: unknown) => {
			if ((error as {code?: string}).code !== 'PT428') throw error;
			await makeRole(caller);
			return run(sql, caller);
		});
	const script = async (statements: string[], readOnly = false): Promise<unknown[]> =>
		(
			await database.as(
				me,
				'select row from agent_script(array(select jsonb_array_elements_text($1::jsonb)), $2) as row',
				[JSON.stringify(statements), readOnly],
			)
		).map(({row}) => row);

	it(`cannot do what the agent may not do: ${attempts.length} attempts`, async () => {
		await database.script(before);
		await rowsOf('select 1');
		await rowsOf('select 1', agent('CLAUDE_2'));
		const [untouched] = await database.as(owner, fingerprint);
		const wrong: string[] = [];
		for (const [sql, expected] of attempts) {
			const answer = await rowsOf(sql).then(
				() => 'ok',
				(error: unknown) => (error as {code?: string}).code ?? String(error),
			);
			const [now] = await database.as(owner, fingerprint);
			const others = await rowsOf('select count(*) from agents', agent('CLAUDE_2')).catch(String);
			const good = answer === expected && now?.['whole'] === untouched?.['whole'] && Array.isArray(others);
			if (!good) wrong.push(`${sql}: ${answer}, not ${expected}; ${String(now?.['whole'])}; ${JSON.stringify(others)}`);
		}
		expect(wrong).toEqual([]);
	});

	it('inserts messages that are verified as its own', async () => {
		expect(await rowsOf(`insert into messages (content) values ('[CLAUDE_1] hello')`)).toEqual([]);
		const inserted = `insert into messages (content) values ('[claude_1] hello') returning author_tag, author_kind, verified`;
		expect(await rowsOf(inserted)).toEqual([{author_tag: 'CLAUDE_1', author_kind: 'agent', verified: true}]);
		await expect(rowsOf(`insert into messages (content) values ('[HUMAN] hello')`)).rejects.toThrow(
			'you are CLAUDE_1 and may only write as CLAUDE_1, not as HUMAN',
		);
	});

	it('creates its own tables, which all participants can read', async () => {
		await rowsOf('create table results (id int generated always as identity primary key, note text not null)');
		await rowsOf(`insert into results (note) values ('one'), ('two')`);
		for (const caller of [agent('CLAUDE_2'), human(), service('HUMAN'), owner]) {
			expect(await database.as(caller, 'select id, note from results order by id')).toEqual([
				{id: 1, note: 'one'},
				{id: 2, note: 'two'},
			]);
		}
		expect(await database.as(human(), `select r from result_rows('results') as r`)).toHaveLength(2);
		expect(await database.as(stranger, 'select * from results')).toEqual([]);
		await expect(database.as(anon, 'select * from results')).rejects.toThrow('permission denied');
		await expect(rowsOf(`insert into results (note) values ('x')`, agent('CLAUDE_2'))).rejects.toThrow(
			'permission denied',
		);
		await expect(rowsOf('drop table results', agent('CLAUDE_2'))).rejects.toThrow('must be owner of table results');
		await rowsOf('alter table results disable row level security');
		expect(await database.as(stranger, 'select * from results')).toEqual([]);
		await rowsOf('drop table results');
	});

	it('calls the functions as the agent', async () => {
		expect(await rowsOf(`select title, created_by from task_add('paint the fence')`)).toEqual([
			{title: 'paint the fence', created_by: 'CLAUDE_1'},
		]);
	});

	it('keeps the digits and the order of what it returns', async () => {
		const [row] = await rowsOf(
			'select 9007199254740993::bigint as b, 1 as a, 0.1234567890123456789 as n, 5::bigint as small',
		);
		expect(row).toEqual({b: '9007199254740993', a: 1, n: '0.1234567890123456789', small: 5});
		expect(Object.keys(row as object)).toEqual(['b', 'a', 'n', 'small']);
	});

	it('takes parameters', async () => {
		const call = 'select row from agent_sql($1, $2) as row';
		expect(await database.as(me, call, ['select $1 as a, $2::int + 1 as b', ['x', '2']])).toEqual([
			{row: {a: 'x', b: 3}},
		]);
	});

	it('runs a script whole or not at all, and as one agent whatever it sets', async () => {
		expect(
			await script(['create table s (a int)', 'insert into s values (1), (2)', 'select * from s', 'drop table s']),
		).toEqual([{a: 1}, {a: 2}]);
		expect(await script(['select 1 as a', 'select 1 as a where false'])).toEqual([]);
		await expect(script(['create table kept (a int)', 'select 1 / 0'])).rejects.toThrow('division by zero');
		await expect(rowsOf('select * from kept')).rejects.toThrow('does not exist');
		const claims = `set_config('request.jwt.claims', ${asHuman}, true)`;
		await expect(script([`select ${claims}`])).rejects.toThrow('an agent may not use set_config');
		// In the same transaction, where the claims that are set would count.
		const beside = `select agent_sql('select 1'), ${claims}, agent_restore('REVOKED')`;
		await expect(database.as(me, beside)).rejects.toThrow('only a human may');
	});

	it('leaves no more than 1,000 tables, indexes and sequences', async () => {
		// An agent of its own: the others' tests leave relations, and need room for some.
		const hoarder = agent('HOARDER');
		await rowsOf('select 1', hoarder);
		for (let first = 0; first < 1000; first += 50) {
			const names = Array.from({length: 50}, (_, n) => `many_${first + n}`);
			await database.script(
				names.map(name => `create sequence ${name}; alter sequence ${name} owner to "agent_HOARDER"`).join(';'),
			);
		}
		await expect(rowsOf('create table one_more (a int)', hoarder)).rejects.toThrow(
			'more than 1,000 tables, indexes and sequences',
		);
		await rowsOf('drop sequence many_1', hoarder);
		await rowsOf('create table one_more (a int)', hoarder);
		await expect(script(Array.from({length: 1001}, () => 'select 1'))).rejects.toThrow('1,000 statements');
	});

	it('is read-only on request', async () => {
		expect(await script(['select 1 as a'], true)).toEqual([{a: 1}]);
		await expect(script([`insert into messages (content) values ('[CLAUDE_1] x')`], true)).rejects.toThrow('read-only');
		expect(await script(['create table late (a int)', 'drop table late'])).toEqual([]);
	});

	it('is for agents with a token of their own', async () => {
		await expect(rowsOf('select 1', human())).rejects.toThrow('only an agent with its own token can call this');
		await expect(rowsOf('select 1', stranger)).rejects.toThrow('does not name an agent');
		for (const caller of [anon, service('CLAUDE_1')]) {
			await expect(rowsOf('select 1', caller)).rejects.toThrow('permission denied for function agent_sql');
		}
		await expect(rowsOf('select 1', owner)).rejects.toThrow('plain SQL has no identity');
		await database.as(human(), `select agent_revoke('CLAUDE_2')`);
		await expect(rowsOf('select 1', agent('CLAUDE_2'))).rejects.toThrow('CLAUDE_2 has been revoked');
		await database.as(human(), `select agent_restore('CLAUDE_2')`);
	});

	it('needs a role that an earlier call created, and names that call', async () => {
		const late = agent('LATE');
		await expect(run('select 1', late)).rejects.toMatchObject({
			code: 'PT428',
			message: 'LATE has no role in the database yet',
			hint: 'Call mux_make_role() in a separate request, then try again.',
		});
		await makeRole(late);
		await makeRole(late);
		expect(await run('select current_user::text as role', late)).toEqual([{role: 'agent_LATE'}]);
		await expect(run('select mux_make_role()', late)).rejects.toMatchObject({code: '42501'});
		for (const caller of [human(), stranger, anon, service('LATE'), owner]) {
			await expect(makeRole(caller)).rejects.toMatchObject({code: '42501'});
		}
	});

	it('recreates a missing role', async () => {
		const lost = agent('LOST');
		await rowsOf('create table of_lost (a int)', lost);
		await rowsOf('drop table of_lost', lost);
		await database.script(`drop owned by "agent_LOST"; drop role "agent_LOST"`);
		expect(await rowsOf('select 1 as a', lost)).toEqual([{a: 1}]);
	});

	it('rejects a role to which somebody else gave more rights', async () => {
		await database.script(`create role "agent_BAIT" login`);
		expect(await rowsOf('select current_user::text as role', agent('BAIT'))).toEqual([{role: 'agent_BAIT_2'}]);
	});

	it('shows humans the tables of agents read-only, with the rights of anon', async () => {
		await database.script(`
			create table shown (a int); insert into shown values (1); grant select on shown to authenticated;
			create table hidden (a int);
			create function forge() returns text language plpgsql as $$ begin
				perform set_config('request.jwt.claims', ${asHuman}, false);
				return (agent_revoke('CLAUDE_2')).tag;
			end $$;
			create function write() returns text language plpgsql as $$ begin
				perform set_config('transaction_read_only', 'off', true);
				update agents set revoked_at = now();
				return '';
			end $$;
			create function become() returns text language plpgsql as $$ begin
				return set_config('role', 'service_role', true);
			end $$;
			create view forging as select forge(); create view writing as select write(); create view becoming as select become();
			create view seeing as select count(*) from messages;
			alter view seeing set (security_invoker = on);
			grant select on forging, writing, becoming, seeing to authenticated, service_role;
		`);
		const shown = (name: string, caller = human()): Promise<unknown> =>
			database.as(caller, 'select row from result_rows($1) as row', [name]);
		expect(await shown('shown')).toEqual([{row: {a: 1}}]);
		expect(await shown('seeing')).toEqual([{row: {count: 0}}]);
		expect(await shown('messages')).toEqual([]);
		await expect(shown('hidden')).rejects.toThrow('permission denied for table hidden');
		await expect(shown('nowhere')).rejects.toThrow('does not exist');
		for (const caller of [human(), service('HUMAN')]) {
			await expect(shown('forging', caller)).rejects.toThrow('read-only');
			await expect(shown('writing', caller)).rejects.toThrow('transaction read-write mode');
			await expect(shown('becoming', caller)).rejects.toThrow('within security-definer function');
		}
		await expect(shown('shown', stranger)).rejects.toThrow('does not name an agent');
		expect(await database.as(owner, `select count(*)::int as n from agents where revoked_at is not null`)).toEqual([
			{n: 1},
		]);
	});
});
