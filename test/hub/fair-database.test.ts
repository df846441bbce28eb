import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest';
import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import {DatabaseError, type Database, type Scope} from '../../source/hub/database/database.ts';
import {FairDatabase} from '../../source/hub/database/fair-database.ts';
import {timeLimit} from '../../source/hub/database/time-limits.ts';
import {WorkerDatabase} from '../../source/hub/pglite/worker-database.ts';
import {openPostgresDatabase} from './rest/postgres-database.ts';
import {newDirectory} from '../helpers/prepared.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-fair-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

const timeout = 1500;
const agent = (tag: string): Scope => ({
	role: 'authenticated',
	claims: {role: 'authenticated', app_metadata: {agent_tag: tag}},
});
const endless = [{text: 'select count(*) from generate_series(1, 10000000000)'}];

it("each role has its own limit, and never more than the database's", () => {
	expect(timeLimit({role: 'anon'}, 120_000)).toBe(3000);
	expect(timeLimit({role: 'authenticated'}, 120_000)).toBe(8000);
	expect(timeLimit({role: 'service_role'}, 120_000)).toBe(120_000);
	expect(timeLimit({role: 'authenticated'}, 500)).toBe(500);
});

describe.each([
	{
		engine: 'PGlite',
		shares: {atOnce: 1, perCaller: 1},
		open: async (timeout: number): Promise<Database> => {
			const directory = join(mkdtempSync(join(folder, 'home-')), 'pg');
			await newDirectory(directory);
			return WorkerDatabase.open({directory, timeout});
		},
	},
	{
		engine: 'PostgreSQL',
		shares: {atOnce: 3, perCaller: 2},
		open: async (timeout: number): Promise<Database> => {
			const database = await openPostgresDatabase({timeout});
			await bootstrap(database);
			return database;
		},
	},
])('on $engine', ({shares, open}) => {
	it('a caller who sends endless calls delays others by no more than one of them', async () => {
		const database = new FairDatabase(await open(timeout), shares);
		try {
			const bombs = Array.from({length: 5}, () =>
				database.run(agent('BOMBER'), endless).catch((error: unknown) => error),
			);
			for (let call = 1; call <= 3; call++) {
				const [result] = await database.run(agent('CLAUDE_1'), [{text: `select 'served' as is`}]);
				expect(result?.rows).toEqual([{is: 'served'}]);
			}
			const codes = (await Promise.all(bombs)).map(error => (error as {code?: unknown}).code);
			const together = shares.perCaller;
			expect(codes).toEqual(bombs.map((_, index) => (index < together ? '57014' : 'PT429')));
		} finally {
			await database.close();
		}
	});

	describe('while others wait', () => {
		let engine: Database;
		/** The limit of a call is longer than the test, but short if others are waiting. */
		const limits = {agents: 200, others: 200};

		beforeAll(async () => {
			engine = await open(60_000);
		});
		afterAll(() => engine.close());

		const startOf = async (): Promise<unknown> =>
			(await engine.run(owner, [{text: 'select pg_postmaster_start_time() as at'}]))[0]?.rows;

		it("an agent's call is cancelled, and the database goes on", async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits});
			const before = await startOf();
			const bomb = database.run(agent('BOMBER'), endless);
			const served = database.run(agent('CLAUDE_1'), [{text: 'select 1 as one'}]);
			await expect(bomb).rejects.toMatchObject({
				code: '57014',
				details: expect.stringContaining('while others waited') as string,
				hint: expect.stringContaining('refused for 2 s') as string,
			});
			expect((await served)[0]?.rows).toEqual([{one: 1}]);
			expect(await startOf()).toEqual(before);
		});

		it('the caller is paused, except for its mail', async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits});
			const bomb = database.run(agent('BOMBER'), endless);
			const [served] = await Promise.all([
				database.run(agent('CLAUDE_1'), [{text: 'select 1 as one'}]),
				expect(bomb).rejects.toMatchObject({code: '57014'}),
			]);
			expect(served[0]?.rows).toEqual([{one: 1}]);
			await expect(database.run(agent('bomber'), [{text: 'select 1'}])).rejects.toMatchObject({
				code: 'PT429',
				message: expect.stringMatching(/^requests of bomber are paused for [12] s$/) as string,
			});
			const mail = {...agent('BOMBER'), mail: true};
			expect((await database.run(mail, [{text: 'select 2 as two'}]))[0]?.rows).toEqual([{two: 2}]);
		});

		it('whoever waits for other work on the database, such as a copy, is not cancelled for its time', async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits});
			const copied = database.work(owner, 'backup', () => sleep(700));
			const one = [{text: 'select 1 as one'}];
			const served = await Promise.all([
				database.run(agent('CLAUDE_1'), one),
				database.run(agent('CLAUDE_2'), one),
				database.script(owner, 'select 1 as one'),
			]);
			expect(served.map(([result]) => result?.rows)).toEqual([[{one: 1}], [{one: 1}], [{one: 1}]]);
			await copied;
		});

		it('one message is not cancelled, however long the machine takes for it', async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits});
			const message = {...agent('WRITER'), mail: true, bounded: true};
			const written = database.run(message, [{text: 'select pg_sleep(0.7) is null as late'}]);
			const served = database.run(agent('CLAUDE_1'), [{text: 'select 1 as one'}]);
			expect((await written)[0]?.rows).toEqual([{late: false}]);
			expect((await served)[0]?.rows).toEqual([{one: 1}]);
		});

		it('requests of a human and of the owner are cancelled as well, but neither is paused', async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits});
			const human: Scope = {
				role: 'authenticated',
				claims: {role: 'authenticated', app_metadata: {agent_tag: 'HUMAN', kind: 'human'}},
			};
			const service: Scope = {role: 'service_role', claims: {role: 'service_role'}};
			for (const scope of [human, service, {...owner, isOwnSql: true, forRequest: true}]) {
				const long = database.run(scope, endless);
				const served = database.run(agent('CLAUDE_1'), [{text: 'select 1 as one'}]);
				await expect(long).rejects.toMatchObject({
					code: '57014',
					details: expect.stringContaining('while others waited') as string,
					hint: expect.stringMatching(/page by key .*--database-url/) as string,
				});
				expect((await served)[0]?.rows).toEqual([{one: 1}]);
				expect((await database.run(scope, [{text: 'select 2 as two'}]))[0]?.rows).toEqual([{two: 2}]);
			}
		});

		it('what changes the database for the owner is not cancelled, and whoever waits is served afterwards', async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits: {agents: 20, others: 20}});
			const order: string[] = [];
			const note = (what: string) => (): number => order.push(what);
			await Promise.all([
				database.script({...owner, isOwnSql: true}, 'select pg_sleep(0.5)').then(note('owner')),
				database.run(agent('CLAUDE_1'), [{text: 'select 1'}]).then(note('agent')),
			]);
			expect(order).toEqual(['owner', 'agent']);
		});

		it('a call that is aborted before its turn never starts', async () => {
			const database = new FairDatabase(engine, {atOnce: 1, perCaller: 1, limits});
			const abort = new AbortController();
			await engine.script(owner, 'create table if not exists marks (n int)');
			const first = database.script(owner, 'select pg_sleep(0.2)');
			const second = database.run(owner, [{text: 'insert into marks values (1)'}], abort.signal);
			abort.abort(new DatabaseError('gone', '57014'));
			await expect(second).rejects.toThrow('gone');
			await first;
			expect((await database.run(owner, [{text: 'select n from marks'}]))[0]?.rows).toEqual([]);
		});
	});

	it('however many others wait, mail waits for only one of them, and does not delay them either', async () => {
		const order: string[] = [];
		let now = 0;
		const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
		const takes: Database = {
			run: async (_scope, [statement]) => {
				const text = statement?.text ?? '';
				await new Promise(resolve => setImmediate(resolve));
				now += text === 'mail' ? 10 : 20;
				order.push(text);
				return [];
			},
			script: () => Promise.reject(new Error('unused')),
			listen: () => Promise.reject(new Error('unused')),
			close: () => Promise.resolve(),
		};
		const database = new FairDatabase(takes, {atOnce: 1, perCaller: 1});
		const ask = (tag: string, text: string): Promise<unknown> =>
			database.run({...agent(tag), mail: text === 'mail'}, [{text}]);
		const others = Array.from({length: 12}, (_, at) => ask(`BUSY_${at}`, 'other'));
		const mail = Array.from({length: 24}, (_, at) => ask(`PEER_${at}`, 'mail'));
		await Promise.all([...others, ...mail]).finally(() => clock.mockRestore());
		// As much time as the others have used, and then it waits for its turn like them.
		expect(order.slice(0, 3)).toEqual(['other', 'mail', 'mail']);
		expect(order.slice(3, 15).filter(text => text === 'other').length).toBeGreaterThanOrEqual(4);
	});

	it('calls of one caller are served in their order', async () => {
		const order: number[] = [];
		const slow: Database = {
			run: async (_scope, [statement]) => {
				await new Promise(resolve => setTimeout(resolve, 1));
				order.push(Number(statement?.text));
				return [];
			},
			script: () => Promise.reject(new Error('unused')),
			listen: () => Promise.reject(new Error('unused')),
			close: () => Promise.resolve(),
		};
		const database = new FairDatabase(slow, {...shares, perCaller: 1});
		await Promise.all([1, 2, 3, 4].map(text => database.run(agent('CLAUDE_1'), [{text: String(text)}])));
		expect(order).toEqual([1, 2, 3, 4]);
	});
});

it("an agent's SQL runs one statement at a time, in parallel with its other requests", async () => {
	const running: string[] = [];
	const together: string[] = [];
	const slow: Database = {
		run: async ({claims}, [statement]) => {
			running.push(`${JSON.stringify(claims)} ${statement?.text}`);
			together.push(running.map(each => /"agent_tag":"(\w+)".* (\w+)$/.exec(each)?.slice(1).join(' ')).join(', '));
			await new Promise(resolve => setTimeout(resolve, 1));
			running.shift();
			return [];
		},
		script: () => Promise.reject(new Error('unused')),
		listen: () => Promise.reject(new Error('unused')),
		close: () => Promise.resolve(),
	};
	const database = new FairDatabase(slow, {atOnce: 4, perCaller: 3});
	const sql = (tag: string): Promise<unknown> => database.run({...agent(tag), sql: true}, [{text: 'sql'}]);
	await Promise.all([sql('A'), sql('A'), sql('B'), database.run(agent('B'), [{text: 'read'}])]);
	expect(together).toEqual(['A sql', 'A sql, B sql', 'A sql, B sql, B read', 'B sql, B read, A sql']);
});

describe('on PostgreSQL, the holder of a lock', () => {
	const note = (body: string) => [{text: 'update notes set body = $1', values: [body]}];
	let database: Database;
	let said: string[];

	/** Starts what holds the lock; resolves when it does. */
	async function holding(scope: Scope, body: string, signal?: AbortSignal): Promise<{readonly held: Promise<unknown>}> {
		const held = database.run(scope, [...note(body), ...endless], signal);
		held.catch(() => undefined);
		const text = `select count(*)::int as n from pg_stat_activity where state = 'active' and query = $1`;
		const running = () => database.run(owner, [{text, values: [endless[0]?.text]}]);
		await expect.poll(async () => (await running())[0]?.rows[0]?.['n'], {timeout: 20_000, interval: 20}).toBe(1);
		return {held};
	}

	beforeAll(async () => {
		said = [];
		database = await openPostgresDatabase({timeout: 60_000, onStuck: sentence => said.push(sentence)});
		await bootstrap(database);
		await database.script(
			owner,
			"create table notes (body text); insert into notes values (''); grant select, update on notes to authenticated",
		);
	});
	afterAll(() => database.close());

	it('that is an agent is cancelled when somebody waits for it', async () => {
		const {held} = await holding(agent('BOMBER'), 'bomb');
		const [over] = await Promise.allSettled([held, database.run(agent('CLAUDE_1'), note('served'))]);
		expect(over).toMatchObject({
			status: 'rejected',
			reason: {code: '57014', details: expect.stringContaining('waited for its locks') as string},
		});
		expect((await database.run(owner, [{text: 'select body from notes'}]))[0]?.rows).toEqual([{body: 'served'}]);
	});

	it('that is the owner is named to everyone who waits, and its statement only to the owner', async () => {
		const abort = new AbortController();
		const {held} = await holding(owner, 'long', abort.signal);
		// One of them is ahead in the queue, but does not block the other.
		const lock = [{text: 'lock table notes in exclusive mode'}];
		const late = ['CLAUDE_1', 'CLAUDE_2'].map(tag => database.run(agent(tag), lock));
		const [told, behind] = await Promise.allSettled(late);
		const [shown] = await Promise.allSettled([database.run(owner, note('late'))]);
		abort.abort(new DatabaseError('enough', '57014'));
		await expect(held).rejects.toThrow('enough');
		const pattern = /^The lock is held by process \d+, user \w+, agentmux hub, whose transaction has run for \d+ s/;
		expect(told).toMatchObject({status: 'rejected', reason: {code: '55P03'}});
		expect(behind).toMatchObject({status: 'rejected', reason: {code: '55P03'}});
		expect(String((told as PromiseRejectedResult).reason.details)).toMatch(pattern);
		expect(String((told as PromiseRejectedResult).reason.details)).not.toContain('generate_series');
		expect(String((shown as PromiseRejectedResult).reason.details)).toContain('generate_series');
		expect(said.some(sentence => sentence.includes('A statement of CLAUDE_1 waits for a lock.'))).toBe(true);
		// SQL may contain a password.
		expect(said.filter(sentence => sentence.includes('generate_series'))).toEqual([]);
	});
});
