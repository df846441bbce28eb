import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {owner} from '../../../source/hub/bootstrap.ts';
import {createDirectory} from '../../../source/hub/data-directory.ts';
import {WorkerDatabase} from '../../../source/hub/worker-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-cancelled-'));
/** So many that a cancellation often meets the moment at which a script's cleaning-up listens to them again. */
const channels = Array.from({length: 200}, (_, index) => `channel ${index}`);
const heard: string[] = [];
let database: WorkerDatabase;

beforeAll(async () => {
	const directory = join(folder, 'pg');
	await createDirectory(directory);
	database = await WorkerDatabase.open({directory, timeout: 60_000});
	await database.script(owner, 'create table marks (n int primary key)');
	for (const channel of channels) await database.listen(channel, () => heard.push(channel));
});
afterAll(async () => {
	await database.close();
	rmSync(folder, {recursive: true, force: true});
});

it('a script that is cancelled at any moment is done or not, says which, and leaves everything heard', async () => {
	const gone = new Error('gone');
	const failures = new Set<unknown>();
	for (let trial = 0; trial < 60; trial += 1) {
		const abort = new AbortController();
		// Whatever the machine's speed: the first is cancelled as soon as it runs, later ones after ever more of it.
		const call = database.script(owner, `unlisten *; insert into marks values (${trial})`, abort.signal).then(
			() => null,
			(error: unknown) => error,
		);
		setTimeout(() => abort.abort(gone), trial % 20);
		const failure = await call;
		failures.add(failure);
		const [rows] = await database.run(owner, [{text: 'select n from marks where n = $1', values: [trial]}]);
		expect({trial, stored: rows?.rows.length}).toEqual({trial, stored: failure === null ? 1 : 0});
		heard.length = 0;
		await database.run(owner, [
			{text: `select pg_notify('channel ' || n, '') from generate_series(0, ${channels.length - 1}) n`},
		]);
		await database.run(owner, []);
		expect(heard.length).toBe(channels.length);
	}
	expect([...failures].filter(failure => failure !== null)).toEqual([gone]);
}, 60_000);
