import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, it} from 'vitest';
import {Runaway, type Database} from '../../source/hub/database/database.ts';
import {logFile} from '../../source/hub/files/log.ts';
import {WorkerDatabase} from '../../source/hub/pglite/worker-database.ts';
import {ensureHub, stopHub, wasStopped} from '../../source/hub/process/ensure.ts';
import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import {migrate} from '../../source/hub/schema/migrations.ts';
import {makeReleased, migrations, rowsOf} from '../schema/former.ts';
import {placesIn} from '../helpers/hub.ts';
import {openPostgresDatabase} from './rest/postgres-database.ts';

const folders: string[] = [];
const newFolder = (): string => {
	const folder = mkdtempSync(join(tmpdir(), 'agentmux-slow-'));
	folders.push(folder);
	return folder;
};

afterEach(() => {
	for (const folder of folders.splice(0)) rmSync(folder, {recursive: true, force: true});
});

/** The last migrations, which the databases here lack. */
const later = migrations.current.slice(-2);
const before = later[0]!.version;

/** Makes each migration take that many seconds, as a long history does. */
async function slowDown(database: Database, seconds: number): Promise<void> {
	await database.script(
		owner,
		`create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${seconds}); return new; end $$;
		create trigger slow before insert on supabase_migrations.schema_migrations for each row execute function slow()`,
	);
}

/** Milliseconds that other statements of the owner may run. */
const timeout = 1000;

it.each([
	{
		engine: 'PGlite',
		open: (): Promise<Database> => WorkerDatabase.open({directory: join(newFolder(), 'pg'), timeout}),
	},
	{engine: 'PostgreSQL', open: (): Promise<Database> => openPostgresDatabase({timeout})},
])('a migration runs to its end on $engine, whatever the time limit of statements is', async ({open}) => {
	const database = await open();
	try {
		await bootstrap(database);
		await makeReleased(database, before);
		await slowDown(database, (2 * timeout) / 1000);
		const said: string[] = [];
		expect(await migrate(database, migrations, sentence => said.push(sentence))).toEqual(
			later.map(({version}) => version),
		);
		expect(said).toEqual([
			`Updating the database: migration 1 of 2, ${later[0]!.name}.`,
			`Updating the database: migration 2 of 2, ${later[1]!.name}.`,
		]);
		// The limit is back for everything else.
		await expect(rowsOf(database, 'select pg_sleep(20)')).rejects.toMatchObject({code: '57014'});
		expect(await rowsOf(database, `select current_setting('statement_timeout') <> '0' as limited`)).toEqual(
			database instanceof WorkerDatabase ? [{limited: false}] : [{limited: true}],
		);
	} finally {
		await database.close();
	}
});

it('a hub that is killed during a migration goes on with it at its next start, and the starter says what it waits for', async () => {
	const home = newFolder();
	const paths = placesIn(home);
	mkdirSync(paths.data, {mode: 0o700});
	const database = await WorkerDatabase.open({directory: join(paths.data, 'pg'), timeout: 60_000});
	await makeReleased(database, before);
	await database.script(owner, `insert into messages (content) values ('[A] from before')`);
	await slowDown(database, 2);
	await database.close();
	const first: string[] = [];
	const killed = ensureHub(paths, {
		onProgress(sentence) {
			first.push(sentence);
			if (!sentence.includes('migration 2 of 2')) return;
			const {pid} = JSON.parse(readFileSync(join(paths.state, 'hub.json'), 'utf8')) as {pid: number};
			process.kill(pid, 'SIGKILL');
		},
	});
	await expect(killed).rejects.toMatchObject({message: 'The hub ended by SIGKILL before it answered.'});
	expect(first).toContain(`Updating the database: migration 1 of 2, ${later[0]!.name}.`);
	const second: string[] = [];
	const hub = await ensureHub(paths, {onProgress: sentence => second.push(sentence)});
	try {
		const sentence = `Updating the database: migration 1 of 1, ${later[1]!.name}.`;
		expect(second).toContain(sentence);
		expect(readFileSync(logFile(paths), 'utf8')).toContain(sentence);
		const response = await fetch(`${hub.url}/rest/v1/messages?select=content`, {
			headers: {apikey: hub.service_role_key, authorization: `Bearer ${hub.service_role_key}`},
		});
		expect(await response.json()).toEqual([{content: '[A] from before'}]);
	} finally {
		await stopHub(paths);
	}
});

it('a hub that is stopped during a migration ends soon and cleanly, and the next start goes on with it', async () => {
	const paths = placesIn(newFolder());
	mkdirSync(paths.data, {mode: 0o700});
	const directory = join(paths.data, 'pg');
	const open = (): Promise<WorkerDatabase> => WorkerDatabase.open({directory, timeout: 60_000});
	const database = await open();
	await makeReleased(database, before);
	await database.script(owner, `insert into messages (content) values ('[A] from before')`);
	await slowDown(database, 600);
	await database.close();
	const stops: Promise<number | null>[] = [];
	const starting = ensureHub(paths, {
		onProgress(sentence) {
			if (sentence.includes('migration 1 of 2') && stops.length === 0) stops.push(stopHub(paths));
		},
	});
	await expect(starting).rejects.toMatchObject({message: 'The hub was stopped before it had started.'});
	expect(await Promise.all(stops)).toEqual([expect.any(Number)]);
	// Others who lost it do not start another.
	expect(wasStopped(paths)).toBe(true);
	const again = await open();
	await again.script(owner, 'drop trigger slow on supabase_migrations.schema_migrations');
	await again.close();
	const said: string[] = [];
	const hub = await ensureHub(paths, {onProgress: sentence => said.push(sentence)});
	try {
		expect(said).toContain(`Updating the database: migration 1 of 2, ${later[0]!.name}.`);
		const response = await fetch(`${hub.url}/rest/v1/messages?select=content`, {
			headers: {apikey: hub.service_role_key, authorization: `Bearer ${hub.service_role_key}`},
		});
		expect(await response.json()).toEqual([{content: '[A] from before'}]);
	} finally {
		await stopHub(paths);
	}
});

it('a migration that is given up, and does not heed that, is not reported as one that failed', async () => {
	const end = new AbortController();
	const reason = new Error('stopped');
	const database: Database = {
		run: async () => [],
		async script() {
			end.abort(reason);
			throw new Runaway(reason);
		},
		listen: async () => async () => undefined,
		close: async () => undefined,
	};
	await expect(migrate(database, migrations, undefined, end.signal)).rejects.toBe(reason);
});

it('a migration on PostgreSQL ends when it is given up', async () => {
	const database = await openPostgresDatabase({timeout: 60_000});
	try {
		await bootstrap(database);
		await makeReleased(database, before);
		await slowDown(database, 600);
		const end = new AbortController();
		const reason = new Error('stopped');
		const giveUp = (): void => void setTimeout(() => end.abort(reason), 200);
		await expect(migrate(database, migrations, giveUp, end.signal)).rejects.toBe(reason);
		await database.script(owner, 'drop trigger slow on supabase_migrations.schema_migrations');
		expect(await migrate(database, migrations)).toEqual(later.map(({version}) => version));
	} finally {
		await database.close();
	}
});
