import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {owner} from '../../../source/hub/schema/bootstrap.ts';
import type {Database, Scope, Statement} from '../../../source/hub/database/database.ts';
import {FairDatabase} from '../../../source/hub/database/fair-database.ts';
import {PgliteDatabase} from '../../../source/hub/pglite/pglite.ts';
import {WorkerDatabase} from '../../../source/hub/pglite/worker-database.ts';
import {newDirectory} from '../../helpers/prepared.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-shared-write-'));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

const message = (tag: string): Scope => ({
	role: 'service_role',
	claims: {role: 'service_role', sub: tag},
	mail: true,
	bounded: true,
});
const mark = (n: number): Statement => ({
	text: `insert into public.marks select $1::int, current_setting('request.jwt.claims')::json ->> 'sub' returning n`,
	values: [n],
	isPrepared: true,
});
const table = `create table marks (n int primary key, who text); grant all on marks to service_role`;
const marks: Statement = {text: 'select n, who from marks order by n'};

describe('messages that wait for each other', () => {
	let database: WorkerDatabase;
	beforeAll(async () => {
		const directory = join(folder, 'worker');
		await newDirectory(directory);
		database = await WorkerDatabase.open({directory, timeout: 60_000});
		await database.script(owner, table);
	});
	afterAll(() => database.close());

	it('are transactions of their own: one that fails undoes no other, and each has its own claims', async () => {
		const numbers = [1, 2, 2, 3, 4, 1, 5];
		const outcomes = await Promise.allSettled(
			numbers.map((n, index) => database.run(message(`AGENT_${index}`), [mark(n)])),
		);
		expect(outcomes.map(each => (each.status === 'fulfilled' ? each.value[0]?.rows : each.reason))).toMatchObject([
			[{n: 1}],
			[{n: 2}],
			{code: '23505'},
			[{n: 3}],
			[{n: 4}],
			{code: '23505'},
			[{n: 5}],
		]);
		const [stored] = await database.run(owner, [marks]);
		expect(stored?.rows.map(({n, who}) => `${String(n)} ${String(who)}`)).toEqual([
			'1 AGENT_0',
			'2 AGENT_1',
			'3 AGENT_3',
			'4 AGENT_4',
			'5 AGENT_6',
		]);
	});

	it('one that is cancelled meanwhile is stored or not, and says which', async () => {
		const gone = new Error('gone');
		for (let trial = 0; trial < 20; trial += 1) {
			const abort = new AbortController();
			const first = 1000 + trial * 10;
			const all = [0, 1, 2, 3, 4].map(at =>
				database.run(message('WRITER'), [mark(first + at)], at === 2 ? abort.signal : undefined),
			);
			setTimeout(() => abort.abort(gone), trial % 10);
			const outcomes = await Promise.allSettled(all);
			const [stored] = await database.run(owner, [
				{text: 'select n from marks where n between $1 and $1 + 9 order by n', values: [first]},
			]);
			const told = outcomes.flatMap(({status}, at) => (status === 'fulfilled' ? [first + at] : []));
			expect(stored?.rows.map(({n}) => n)).toEqual(told);
			expect(told.length).toBeGreaterThanOrEqual(4);
		}
	});

	it('are notified after all of them are stored, in their order', async () => {
		const heard: string[] = [];
		const order: string[] = [];
		await database.listen('marked', payload => {
			heard.push(payload);
			order.push(payload);
		});
		const told = ['a', 'b', 'c'].map(async payload => {
			await database.run(message('WRITER'), [{text: `select pg_notify('marked', $1)`, values: [payload]}]);
			order.push(`${payload} answered`);
		});
		await Promise.all(told);
		expect(heard).toEqual(['a', 'b', 'c']);
		expect(order.indexOf('a')).toBeLessThan(order.indexOf('a answered'));
		expect(order.indexOf('c')).toBeLessThan(order.indexOf('c answered'));
	});

	it('one that does not end is stopped, also if it is not the first', async () => {
		const short = {...message('SLOW'), maxTime: 300};
		const fast = database.run(message('FAST'), [mark(2000)]);
		const slow = database.run(short, [{text: 'select pg_sleep(60)'}]);
		await expect(slow).rejects.toMatchObject({code: '57014'});
		expect((await fast)[0]?.rows).toEqual([{n: 2000}]);
	});
});

it('a commit that is to be flushed later waits for no write, and the flush writes it', async () => {
	const directory = join(folder, 'flushed');
	await newDirectory(directory);
	let syncs = 0;
	const direct = await PgliteDatabase.open({directory, onSync: () => (syncs += 1)});
	try {
		await direct.script(owner, table);
		const insert = (n: number, isLater: boolean): Promise<unknown> =>
			direct.runUnless(
				() => false,
				message('WRITER'),
				[mark(n)],
				() => isLater,
			);
		await insert(0, false);
		syncs = 0;
		for (let n = 1; n <= 16; n += 1) await insert(n, true);
		expect(syncs).toBe(0);
		await direct.flush();
		expect(syncs).toBe(1);
		await insert(17, false);
		expect(syncs).toBe(2);
		// The setting of the session that one caller leaves behind is not that of the next.
		await direct.run(owner, [{text: `select set_config('synchronous_commit', 'off', false)`}]);
		await insert(18, false);
		expect(syncs).toBe(3);
	} finally {
		await direct.close();
	}
});

describe('prepared statements of the session that all callers share', () => {
	let direct: PgliteDatabase;
	beforeAll(async () => {
		const directory = join(folder, 'prepared');
		await newDirectory(directory);
		direct = await PgliteDatabase.open({directory});
		await direct.script(owner, table);
	});
	afterAll(() => direct.close());

	it('are prepared again where somebody has removed them', async () => {
		await direct.run(message('WRITER'), [mark(1)]);
		await direct.run(owner, [{text: `do $$ begin execute 'deallocate all'; end $$`}]);
		await direct.run(message('WRITER'), [mark(2)]);
		await direct.run(owner, [{text: `do $$ begin execute 'deallocate all'; end $$`}, mark(3)]);
		expect((await direct.run(owner, [marks]))[0]?.rows.map(({n}) => n)).toEqual([1, 2, 3]);
	});

	it('follow changes of the tables', async () => {
		await direct.run(message('WRITER'), [mark(10)]);
		await direct.script(
			owner,
			'alter table marks alter n type bigint; alter table marks add checked bool default true',
		);
		expect((await direct.run(message('WRITER'), [mark(11)]))[0]?.rows).toEqual([{n: '11'}]);
	});

	it('are limited in number', async () => {
		for (let n = 0; n < 100; n += 1) await direct.run(owner, [{text: `select ${n} as n`, isPrepared: true}]);
		const [held] = await direct.run(owner, [{text: 'select count(*)::int as n from pg_prepared_statements'}]);
		expect(held?.rows[0]?.['n']).toBeLessThanOrEqual(65);
	});
});

describe('in turn', () => {
	/** A database whose calls end when they are told to. */
	function heldDatabase(): {database: Database; running: string[]; end: (text: string) => Promise<void>} {
		const running: string[] = [];
		const ends = new Map<string, () => void>();
		const run = (text: string): Promise<never[]> => {
			running.push(text);
			return new Promise(resolve => ends.set(text, () => resolve([])));
		};
		return {
			running,
			database: {
				run: (_scope, [statement]) => run(statement?.text ?? ''),
				script: (_scope, sql) => run(sql),
				listen: () => Promise.reject(new Error('unused')),
				close: () => Promise.resolve(),
			},
			async end(text) {
				ends.get(text)?.();
				await new Promise(resolve => setImmediate(resolve));
			},
		};
	}
	const ask = (fair: FairDatabase, scope: Scope, text: string): void => void fair.run(scope, [{text}]);
	const reader: Scope = {role: 'authenticated', claims: {sub: 'READER'}};

	it('messages run together, up to a limit, and only while nothing else waits', async () => {
		const {database, running, end} = heldDatabase();
		const fair = new FairDatabase(database, {atOnce: 1, perCaller: 1, together: 3});
		for (const text of ['one', 'two', 'three', 'four']) ask(fair, message('WRITER'), text);
		expect(running).toEqual(['one', 'two', 'three']);
		await end('two');
		expect(running.slice(3)).toEqual(['four']);
		ask(fair, reader, 'read');
		ask(fair, message('OTHER'), 'five');
		await end('one');
		await end('three');
		expect(running.slice(4)).toEqual([]);
		await end('four');
		expect(running.slice(4, 5)).toEqual(['read']);
		await end('read');
		expect(running.slice(5)).toEqual(['five']);
	});

	it('upkeep begins when nobody waits, and does not keep messages apart', async () => {
		const {database, running, end} = heldDatabase();
		const fair = new FairDatabase(database, {atOnce: 1, perCaller: 1, together: 3});
		ask(fair, reader, 'first');
		void fair.script({...owner, whenIdle: true}, 'vacuum');
		for (const text of ['one', 'two']) ask(fair, message('WRITER'), text);
		ask(fair, owner, "the hub's own");
		for (let at = 0; at < running.length; at += 1) await end(running[at] ?? '');
		expect(running.indexOf('vacuum')).toBe(4);
		expect(running.slice(0, 4).toSorted()).toEqual(['first', 'one', "the hub's own", 'two']);
	});
});
