import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, beforeEach, expect, test} from 'vitest';
import {agent, openPostgres, owner, service, type Caller} from '../helpers/migrated.ts';

let database: Awaited<ReturnType<typeof openPostgres>>;
beforeAll(async () => {
	database = await openPostgres();
});
afterAll(() => database.close());
beforeEach(() => database.clear());

test('concurrent claimers get each task once, and every plan ends with its last step', async () => {
	const add = async (title: string, parent: number | null): Promise<number> => {
		const [row] = await database.as(agent('A'), 'select id from task_add($1, p_parent_id => $2)', [title, parent]);
		return row!['id'] as number;
	};
	const plans = [await add('plan 1', null), await add('plan 2', null)] as const;
	for (let index = 0; index < 80; index++) await add(`step ${index}`, plans[index % 2]!);
	const workers = await Promise.all(Array.from({length: 8}, () => database.connect()));
	const claimed: unknown[] = [];
	await Promise.all(
		workers.map(async (worker, index) => {
			const me = agent(`W${index}`);
			for (;;) {
				const [task] = await worker.as(me, 'select id, lease_token from task_claim()');
				if (task === undefined) return;
				claimed.push(task['id']);
				const finished = await worker.as(me, 'select status from task_finish($1, $2)', [
					task['id'],
					task['lease_token'],
				]);
				expect(finished).toEqual([{status: 'done'}]);
			}
		}),
	);
	expect(claimed).toHaveLength(80);
	expect(new Set(claimed).size).toBe(80);
	const ended = await database.as(owner, 'select status, progress, attempts from tasks where parent_id is null');
	expect(ended).toEqual(Array.from({length: 2}, () => ({status: 'done', progress: 1, attempts: 0})));
});

test('splitting, failing, cancelling and finishing tasks of shared plans concurrently never deadlocks', async () => {
	const add = `select id from task_add('x', p_parent_id => $1, p_max_attempts => 1, p_depends_on => $2)`;
	const plans: unknown[] = [];
	for (const parent of [null, null, 1, 2]) {
		const [plan] = await database.as(agent('A'), add, [parent, []]);
		plans.push(plan!['id']);
		// A step that stays open keeps the plan open.
		await database.as(agent('A'), `select task_add('open', 'x', 'later', p_parent_id => $1)`, [plan!['id']]);
	}
	const workers = await Promise.all(Array.from({length: 8}, () => database.connect()));
	const accepted = await Promise.all(
		workers.map(async (worker, index) => {
			const me = agent(`W${index}`);
			// Agents add steps to what is theirs alone.
			const anyone = service(`W${index}`);
			let count = 0;
			for (let round = 0; round < 20; round++) {
				const parent = plans[(index + round) % plans.length];
				const [first] = await worker.as(anyone, add, [parent, []]);
				await worker.as(anyone, add, [plans[round % plans.length], [first!['id']]]).catch((error: {code?: string}) => {
					// Another may have claimed and failed the first one by now.
					if (error.code !== '55000') throw error;
				});
				if (round % 3 === 0) await worker.as(me, 'select task_cancel($1)', [first!['id']]);
				for (const ok of [true, round % 2 === 0]) {
					const [task] = await worker.as(me, 'select id, lease_token from task_claim()');
					if (task === undefined) continue;
					const finish = 'select id from task_finish($1, $2, $3)';
					count += (await worker.as(me, finish, [task['id'], task['lease_token'], ok])).length;
				}
			}
			return count;
		}),
	);
	expect(accepted.every(count => count > 0)).toBe(true);
});

test('a claim passes over no task that is being offered, whoever looks at the same time', async () => {
	const idle = `select agent_touch('idle', null, 's', 'bell')`;
	for (const tag of ['I1', 'I2']) await database.as(agent(tag), idle);
	const [hub, other, ...workers] = await Promise.all(Array.from({length: 6}, () => database.connect()));
	const over = new AbortController();
	const looking = [hub!, other!].map(async connection => {
		while (!over.signal.aborted) {
			await connection.as(owner, `update agentmux.offer_clock set at = '-infinity'`);
			await connection.as(owner, 'select agentmux.tend_tasks()');
		}
	});
	const claimed = await Promise.all(
		workers.map(async (worker, at) => {
			const me = agent(`W${at}`);
			const found: unknown[] = [];
			for (let round = 0; round < 30; round++) {
				const add = `select id from task_add('x', $1, p_assignee => $2)`;
				const [added] = await worker.as(me, add, [`q${at}`, `W${at}`]);
				// It is there, and only this one may have it.
				const [task] = await worker.as(me, 'select id, lease_token from task_claim()');
				expect(task?.['id']).toBe(added?.['id']);
				await worker.as(me, 'select task_finish($1, $2)', [task?.['id'], task?.['lease_token']]);
				found.push(task?.['id']);
			}
			return found;
		}),
	);
	over.abort();
	await Promise.all(looking);
	expect(new Set(claimed.flat()).size).toBe(120);
	await database.as(agent('A'), `select task_add('y')`);
	await database.as(owner, 'select agentmux.offer_tasks()');
	expect(await database.as(owner, 'select task_id from agentmux.offers')).toEqual([{task_id: 121}]);
});

test('of many concurrent finishes of one claim, one is accepted', async () => {
	await database.as(agent('A'), `select task_add('x')`);
	await database.as(agent('A'), 'select task_claim()');
	const connections = await Promise.all(Array.from({length: 6}, () => database.connect()));
	const finish = 'select result from task_finish(1, 1, p_result => $1::jsonb)';
	const answers = await Promise.allSettled(connections.map((one, at) => one.as(agent('A'), finish, [at])));
	const [accepted, ...others] = answers.filter(({status}) => status === 'fulfilled');
	expect(others).toEqual([]);
	const refused = {status: 'rejected', reason: expect.objectContaining({code: '55000'}) as unknown};
	expect(answers.filter(({status}) => status === 'rejected')).toEqual(Array.from({length: 5}, () => refused));
	const kept = await database.as(owner, 'select result from tasks');
	expect(accepted).toEqual({status: 'fulfilled', value: kept});
	// The same again is the same for all of them, and is told once.
	const again = await Promise.all(connections.map(one => one.as(agent('A'), finish, [kept[0]?.['result']])));
	expect(again).toEqual(connections.map(() => kept));
	expect(await database.as(owner, `select state from events where state = 'done'`)).toEqual([{state: 'done'}]);
});

test('concurrent adds with one key create one task', async () => {
	const connections = await Promise.all(Array.from({length: 6}, () => database.connect()));
	const ids = await Promise.all(
		connections.map(one => one.as(agent('A'), `select id from task_add('x', p_idem_key => 'k')`)),
	);
	expect(new Set(ids.flat().map(row => row['id'])).size).toBe(1);
});

test('concurrent clients of one tag take, deliver and ack each message once, and none is left', async () => {
	await database.script(
		`insert into messages (content) select format('[A] @B number %s', i) from generate_series(1, 90) as i`,
	);
	const clients = await Promise.all(Array.from({length: 6}, () => database.connect()));
	const taken: unknown[] = [];
	await Promise.all(
		clients.map(async client => {
			for (;;) {
				const rows = await client.as(agent('B'), 'select id from inbox_take(4)');
				if (rows.length === 0) return;
				const ids = rows.map(row => row['id']);
				taken.push(...ids);
				await client.as(agent('B'), `select receipt_deliver($1, 'hook')`, [ids.toReversed()]);
				await client.as(agent('B'), `select receipt_ack($1, 'hook')`, [ids.toReversed()]);
			}
		}),
	);
	expect(taken).toHaveLength(90);
	expect(new Set(taken).size).toBe(90);
	const states = 'select state, attempts, count(*) from receipts group by 1, 2';
	expect(await database.as(owner, states)).toEqual([{state: 'acked', attempts: 1, count: 90}]);
});

test('concurrent deliveries and acks of the same messages all succeed, in any case of the tag', async () => {
	await database.script(
		`insert into messages (content) select format('[A] @B number %s', i) from generate_series(1, 40) as i`,
	);
	const clients = await Promise.all(Array.from({length: 8}, () => database.connect()));
	const changed = await Promise.all(
		clients.map(async (client, index) => {
			let count = 0;
			for (let id = 1; id <= 40; id += 4) {
				const ids = [id, id + 1, id + 2, id + 3];
				const given = index % 2 === 0 ? ids : ids.toReversed();
				const me = agent(index % 3 === 0 ? 'b' : 'B');
				await client.as(me, `select receipt_deliver($1, 'hook')`, [given]);
				const [row] = await client.as(me, `select receipt_ack($1, 'mcp') as count`, [given]);
				count += row!['count'] as number;
			}
			return count;
		}),
	);
	expect(changed.reduce((sum, count) => sum + count, 0)).toBe(40);
	const states = 'select state, count(*) from receipts group by 1';
	expect(await database.as(owner, states)).toEqual([{state: 'acked', count: 40}]);
});

test('many agents that ack the same messages concurrently, in any order, each have a receipt', async () => {
	const names = Array.from({length: 6}, (_, index) => `B${index}`);
	const mentions = names.map(name => `@${name}`).join(' ');
	await database.script(
		`insert into messages (content) select format('[A] ${mentions} %s', i) from generate_series(1, 30) as i`,
	);
	const ids = Array.from({length: 30}, (_, index) => index + 1);
	const acked = await Promise.all(
		names.map(async (name, index) => {
			const client = await database.connect();
			const given = index % 2 === 0 ? ids : ids.toReversed();
			const [row] = await client.as(agent(name), `select receipt_ack($1, 'mcp') as count`, [given]);
			return row!['count'];
		}),
	);
	expect(acked).toEqual(names.map(() => 30));
	const states = 'select reader, state, count(*) from receipts group by 1, 2 order by 1';
	expect(await database.as(owner, states)).toEqual(names.map(reader => ({reader, state: 'acked', count: 30})));
});

test('concurrent sends with one client_id create one message', async () => {
	const connections = await Promise.all(Array.from({length: 6}, () => database.connect()));
	const upsert = `insert into messages (content, client_id) values ('[A] x', '6f2c8a7e-0d5e-4b33-9a67-3c9c0ce0a001') on conflict (client_id) do nothing returning id`;
	expect((await Promise.all(connections.map(one => one.as(agent('A'), upsert)))).flat()).toHaveLength(1);
});

/** Everything that has come since the cursor, as the gateway does it: show all, move on to the last settled row. */
async function catchUp(
	reader: {as: typeof database.as},
	cursor: {xid: string; id: number},
	shown: Set<number>,
): Promise<void> {
	for (;;) {
		const rows = await reader.as(agent('R'), 'select id, xid, settled from messages_since($1, $2, 50)', [
			cursor.xid,
			cursor.id,
		]);
		for (const row of rows) shown.add(row['id'] as number);
		const settled = rows.findLast(row => row['settled'] === true);
		if (settled === undefined) return;
		cursor.xid = settled['xid'] as string;
		cursor.id = settled['id'] as number;
		if (rows.length < 50) return;
	}
}

test('with writers that commit in any order, the settled cursor shows every message', async () => {
	const writers = await Promise.all(Array.from({length: 10}, () => database.connect()));
	const reader = await database.connect();
	const written = new Set<number>();
	const state = {writing: true};
	const work = Promise.all(
		writers.map(async ({client}, writer) => {
			for (let index = 0; index < 40; index++) {
				await client.query('begin');
				const inserted = await client.query<{id: number}>('insert into messages (content) values ($1) returning id', [
					`[W${writer}] ${index}`,
				]);
				if (Math.random() < 0.5) await sleep(Math.random() * 20);
				if (Math.random() < 0.1) {
					await client.query('rollback');
				} else {
					await client.query('commit');
					written.add(inserted.rows[0]!.id);
				}
			}
		}),
	).finally(() => {
		state.writing = false;
	});
	const cursor = {xid: '0', id: 0};
	const shown = new Set<number>();
	do await catchUp(reader, cursor, shown);
	while (state.writing);
	await work;
	await catchUp(reader, cursor, shown);
	expect([...written].filter(id => !shown.has(id))).toEqual([]);
	expect(shown.size).toBe(written.size);
	// All are settled now: nothing is left behind the cursor.
	expect(await reader.as(agent('R'), 'select id from messages_since($1, $2)', [cursor.xid, cursor.id])).toEqual([]);
});

test('a message that commits late under a lower id is not lost, where id > cursor alone would lose it', async () => {
	const slow = await database.connect();
	await slow.client.query('begin');
	await slow.client.query(`insert into messages (content) values ('[SLOW] first')`);
	await database.as(owner, `insert into messages (content) values ('[QUICK] second')`);
	const cursor = {xid: '0', id: 0};
	const shown = new Set<number>();
	await catchUp(database, cursor, shown);
	expect([...shown]).toEqual([2]);
	expect(cursor).toEqual({xid: '0', id: 0});
	await slow.client.query('commit');
	await catchUp(database, cursor, shown);
	expect(shown).toEqual(new Set([1, 2]));
	expect(cursor.id).toBe(2);
	expect(await database.as(owner, 'select id from messages where id > 2')).toEqual([]);
});

test("an agent's SQL does not wait for another agent's", async () => {
	const [holder, slow] = await Promise.all([database.connect(), database.connect()]);
	const run = 'select line from agent_sql($1) as line';
	for (const tag of ['A', 'B']) await database.as(agent(tag), 'select mux_make_role()');
	// Each removes what those before it left behind.
	for (const tag of ['A', 'B', 'A']) await database.as(agent(tag), run, ['select 1 as n']);
	await holder.script('create table held (); grant select on held to authenticated');
	await holder.script('begin; lock table held');
	const waiting = slow.as(agent('A'), run, ['select count(*) from held']);
	const waits = `select count(*)::int as n from pg_locks where relation = 'held'::regclass and not granted`;
	await expect.poll(async () => (await database.as(owner, waits))[0]).toEqual({n: 1});
	expect(await database.as(agent('B'), run, ['select 2 as n'])).toEqual([{line: {n: 2}}]);
	await holder.script('commit');
	expect(await waiting).toHaveLength(1);
});

test("an agent's SQL that runs while the agent is revoked, or its tokens end, is undone", async () => {
	const [holder, slow] = await Promise.all([database.connect(), database.connect()]);
	await holder.script('create table halting (); grant select on halting to authenticated');
	const ends = [`select agent_revoke('C')`, `select agentmux.end_tokens('D')`];
	for (const [index, tag] of ['C', 'D'].entries()) {
		const own = {iss: 'agentmux', role: 'authenticated', app_metadata: {agent_tag: tag, kind: 'agent'}};
		const caller: Caller = {role: 'authenticated', claims: own};
		await database.as(caller, `select agent_touch('working')`);
		await database.as(caller, 'select mux_make_role()');
		await holder.script('begin; lock table halting');
		const text = `insert into messages (content) values ('[${tag}] too late')`;
		const late = slow
			.as(caller, 'select line from agent_script(array[$1, $2]) as line', [text, 'select count(*) from halting'])
			.catch((error: unknown) => (error as Error).message);
		const waits = `select count(*)::int as n from pg_locks where relation = 'halting'::regclass and not granted`;
		await expect.poll(async () => (await database.as(owner, waits))[0]).toEqual({n: 1});
		await database.as(owner, ends[index]!);
		await holder.script('commit');
		expect(await late).toMatch(/^C has been revoked$|^this token of D was ended$/);
	}
	expect(await database.as(owner, `select id from messages where body = 'too late'`)).toEqual([]);
});

test('of many sessions that start at the same time, none is lost', async () => {
	const connections = await Promise.all(Array.from({length: 16}, () => database.connect()));
	const touch = 'select sessions from agent_touch(p_session => $1)';
	for (const tag of Array.from({length: 10}, (_, round) => `NEW${round}`)) {
		await Promise.all(connections.map((connection, index) => connection.as(agent(tag), touch, [`s${index}`])));
	}
	const rows = await database.as(
		owner,
		'select distinct sessions, count(*)::int as tags from agents group by sessions',
	);
	expect(rows).toEqual([{sessions: 16, tags: 10}]);
});

test("an agent's SQL cannot take the lock of the tasks, by its key or its table", async () => {
	const holder = await database.connect();
	const run = 'select line::text from agent_sql($1) as line';
	const key = `hashtextextended('agentmux.tasks', 0)`;
	await database.as(agent('A'), 'select mux_make_role()');
	await expect(holder.as(agent('A'), run, [`select pg_advisory_xact_lock(${key})`])).rejects.toThrow(
		'may not use pg_advisory_xact_lock',
	);
	await expect(database.as(agent('A'), run, ['lock table agentmux.task_turn'])).rejects.toThrow('may not run LOCK');
	await expect(database.as(agent('A'), run, ['select from agentmux.task_turn for update'])).rejects.toMatchObject({
		code: '42501',
	});
});
