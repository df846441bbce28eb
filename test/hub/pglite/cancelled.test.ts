import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {owner} from '../../../source/hub/schema/bootstrap.ts';
import {DatabaseError, type Scope} from '../../../source/hub/database/database.ts';
import {FairDatabase} from '../../../source/hub/database/fair-database.ts';
import {WorkerDatabase} from '../../../source/hub/pglite/worker-database.ts';
import {newDirectory} from '../../helpers/prepared.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-cancelled-'));
/** Enough for a cancellation to hit the cleanup after a script, which listens to all of them again. */
const channels = Array.from({length: 200}, (_, index) => `channel ${index}`);
const heard: string[] = [];
let database: WorkerDatabase;

beforeAll(async () => {
	const directory = join(folder, 'pg');
	await newDirectory(directory);
	database = await WorkerDatabase.open({directory, timeout: 60_000});
	await database.script(owner, 'create table marks (n int primary key)');
	for (const channel of channels) await database.listen(channel, () => heard.push(channel));
});
afterAll(async () => {
	await database.close();
	rmSync(folder, {recursive: true, force: true});
});

it('a script that is cancelled at any moment is committed or not, says which, and loses no notifications', async () => {
	const gone = new Error('gone');
	const failures = new Set<unknown>();
	for (let trial = 0; trial < 60; trial += 1) {
		const abort = new AbortController();
		// Whatever the machine's speed: the first is cancelled as soon as it runs, later ones after ever more of it.
		// The last one also where each timer is late.
		const more = trial === 59 ? '; select pg_sleep(30)' : '';
		const call = database.script(owner, `unlisten *; insert into marks values (${trial})${more}`, abort.signal).then(
			() => null,
			(error: unknown) => error,
		);
		setTimeout(() => abort.abort(gone), trial % 20);
		const failure = await call;
		failures.add(failure);
		const [rows] = await database.run(owner, [{text: 'select n from marks where n = $1', values: [trial]}]);
		// If it is cancelled between its commit and its response, the error says so.
		const isDone =
			failure === null || (failure instanceof DatabaseError && failure.details === 'It had been committed.');
		expect({trial, stored: rows?.rows.length}).toEqual({trial, stored: isDone ? 1 : 0});
		heard.length = 0;
		await database.run(owner, [
			{text: `select pg_notify('channel ' || n, '') from generate_series(0, ${channels.length - 1}) n`},
		]);
		await database.run(owner, []);
		expect(heard.length).toBe(channels.length);
	}
	expect(failures).toContain(gone);
}, 60_000);

it('a request that is cancelled at any moment is committed or not, and says which', async () => {
	const gone = new Error('gone');
	const outcomes = new Set<unknown>();
	for (let trial = 1000; trial < 1200; trial += 1) {
		const abort = new AbortController();
		const statements = [{text: 'insert into marks values ($1)', values: [trial]}];
		const call = database.run(owner, statements, abort.signal).then(
			() => null,
			(error: unknown) => error,
		);
		// From before it runs until after its response.
		if (trial % 3 === 0) setImmediate(() => abort.abort(gone));
		else setTimeout(() => abort.abort(gone), trial % 7);
		const failure = await call;
		outcomes.add(failure);
		const [rows] = await database.run(owner, [{text: 'select n from marks where n = $1', values: [trial]}]);
		expect({trial, stored: rows?.rows.length}).toEqual({trial, stored: failure === null ? 1 : 0});
	}
	expect(outcomes).toEqual(new Set([null, gone]));
}, 60_000);

it('a statement that cannot be cancelled is aborted, and its caller paused for a minute, even if it hung up', async () => {
	const agent = (tag: string): Scope => ({
		role: 'authenticated',
		claims: {role: 'authenticated', app_metadata: {agent_tag: tag}},
	});
	// Seconds in which PostgreSQL does not check for interrupts.
	const bomb = [{text: "select length(translate(repeat('a', 150000), repeat('b', 150000), ''))"}];
	const one = [{text: 'select 1 as one'}];
	// On a busy machine the first statement of another thread takes a part of a second.
	const limits = {agents: 1000, others: 1000};
	const fair = new FairDatabase(database, {atOnce: 1, perCaller: 1, limits, ready: () => database.ready()});
	const thrown = fair.run(agent('BOMBER'), bomb);
	const served = ['CLAUDE_1', 'CLAUDE_2'].map(tag => fair.run(agent(tag), one));
	await expect(thrown).rejects.toMatchObject({
		code: '57014',
		hint: expect.stringContaining('refused for 60 s') as string,
	});
	// The time in which another thread opens the database does not count towards anyone's limit.
	for (const call of served) expect((await call)[0]?.rows).toEqual([{one: 1}]);

	let refused: unknown = null;
	// Whoever hangs up before the statement has begun is not paused.
	for (let trial = 0; refused === null && trial < 8; trial += 1) {
		const gone = new AbortController();
		const left = fair.run(agent('GONE'), bomb, gone.signal);
		setTimeout(() => gone.abort(new Error('gone')), trial * 20);
		await expect(left).rejects.toThrow('gone');
		refused = await fair.run(agent('GONE'), one).then(
			() => null,
			(error: unknown) => error,
		);
	}
	expect(refused).toMatchObject({code: 'PT429'});
}, 120_000);
