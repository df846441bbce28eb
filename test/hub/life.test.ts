import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {afterEach, describe, expect, it} from 'vitest';
import {owner} from '../../source/hub/schema/bootstrap.ts';
import {ensureHub, stopHub, wasStopped} from '../../source/hub/process/ensure.ts';
import {findHub, hubLock} from '../../source/hub/process/find.ts';
import {takeLock} from '../../source/hub/files/lock.ts';
import {readState} from '../../source/hub/home/state-file.ts';
import {verifyToken} from '../../source/hub/tokens/token.ts';
import {WorkerDatabase} from '../../source/hub/pglite/worker-database.ts';
import {cli, Home} from '../helpers/program.ts';
import {makeFormer} from '../schema/former.ts';
import {installPackage} from '../faults/package-copy.ts';
import {placesIn, spawnHub, startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';

const homes: string[] = [];
const newHome = (): string => {
	const home = temporaryHome();
	homes.push(home);
	return home;
};

afterEach(async () => {
	for (const home of homes.splice(0)) {
		await stopHub(placesIn(home));
		rmSync(home, {recursive: true, force: true});
	}
});

it('no keys are created in a folder whose database cannot be opened: it may be a copy in progress', async () => {
	const paths = placesIn(newHome());
	mkdirSync(join(paths.data, 'pg', 'base'), {recursive: true, mode: 0o700});
	await expect(ensureHub(paths)).rejects.toThrow('PG_VERSION is missing');
	expect(existsSync(join(paths.data, 'keys.json'))).toBe(false);
});

async function start(home = newHome()): Promise<TestHub> {
	return startTestHub({home});
}

async function startFirst(home = newHome()): Promise<TestHub> {
	return startTestHub({home, isFirst: true});
}

async function sql(hub: {readonly url: string; readonly serviceRoleKey: string}, query: string): Promise<unknown[]> {
	const response = await fetch(`${hub.url}/v1/projects/local/database/query`, {
		method: 'POST',
		headers: {authorization: `Bearer ${hub.serviceRoleKey}`},
		body: JSON.stringify({query}),
	});
	if (!response.ok) throw new Error(await response.text());
	return (await response.json()) as unknown[];
}

/** Inserts the numbers after `last` one by one until the hub, killed after `count` of them, is gone; the last acknowledged. */
async function writeUntilKilled(hub: TestHub, last: number, count: number): Promise<number> {
	let killing: Promise<void> | null = null;
	try {
		for (let number = last + 1; ; number++) {
			await sql(hub, `insert into messages (content) values ('[A] ${number}')`);
			last = number;
			// Not awaited: it shall hit what is under way.
			if (--count === 0) killing = hub.kill();
		}
	} catch {
		await killing;
		return last;
	}
}

describe('a hub that is killed', () => {
	it('has every acknowledged row afterwards, at the same address, under the same keys', async () => {
		const home = newHome();
		const first = await start(home);
		const {url, serviceRoleKey, jwtSecret} = first;
		let last = await writeUntilKilled(first, 0, 25);
		for (const count of [20, 30]) last = await writeUntilKilled(await start(home), last, count);
		const hub = await start(home);
		expect(hub).toMatchObject({url, serviceRoleKey, jwtSecret});
		const [row] = await sql(
			hub,
			`select count(distinct n)::int as present from generate_series(1, ${last}) n join messages m on m.body = n::text`,
		);
		expect(last).toBeGreaterThanOrEqual(75);
		expect(row).toEqual({present: last});
	});
});

describe('a clock that was an hour fast', () => {
	it('locks nobody out when it is corrected: keys and tokens stay valid', async () => {
		const home = newHome();
		const hub = await start(home);
		const folder = join(home, 'project');
		mkdirSync(folder);
		const joined = spawn(process.execPath, [cli, 'join', 'CLAUDE_1', '--dir', folder], {
			env: {...process.env, AGENTMUX_HOME: home},
			stdio: 'ignore',
		});
		await once(joined, 'close');
		const place = JSON.parse(readFileSync(join(home, 'data/agents/CLAUDE_1.json'), 'utf8')) as {token: string};
		const hourAgo = Date.now() - 3_600_000;
		for (const token of [hub.anonKey, hub.serviceRoleKey, place.token]) {
			expect(verifyToken(hub.jwtSecret, token, {now: hourAgo})).toHaveProperty('claims');
		}
	});
});

describe('starting', () => {
	it('ends with one hub, and every caller has it, when ten ask at once', async () => {
		const paths = placesIn(newHome());
		const progress: string[] = [];
		const hubs = await Promise.all(
			Array.from({length: 10}, () => ensureHub(paths, {onProgress: sentence => progress.push(sentence)})),
		);
		expect(new Set(hubs.map(({pid}) => pid)).size).toBe(1);
		expect(progress).toContain('Preparing a new database; this happens once.');
		expect((await ensureHub(paths)).pid).toBe(hubs[0]?.pid);
	});

	it('is for one process: a second one is refused and names the first', async () => {
		const hub = await start();
		const second = spawnHub(hub.home);
		let said = '';
		second.stderr?.on('data', (chunk: Buffer) => {
			said += chunk.toString();
		});
		expect(await once(second, 'exit')).toEqual([1, null]);
		expect(said).toContain(`Another hub (process ${hub.pid}) is using ${hub.paths.data}.`);
		expect((await findHub(hub.paths))?.pid).toBe(hub.pid);
		await hub.stop();
	});

	it('replaces the hub of an older agentmux, once, whoever asks, and keeps a newer one', async () => {
		const hub = await start();
		const folder = temporaryHome();
		homes.push(folder);
		const program = installPackage(folder, {migration: 'create table agentmux.later (id int);'});
		const home = Home.at(hub.home);
		await Promise.all(Array.from({length: 4}, () => home.output(['hub', 'start'], {program})));
		const next = await findHub(hub.paths);
		expect(next?.pid).not.toBe(hub.pid);
		expect(next).toMatchObject({url: hub.url, schema: '99990101000000'});
		const log = readFileSync(join(hub.paths.logs, 'hub.log'), 'utf8');
		expect(log.match(/Hub \S+ is listening at/g)).toHaveLength(2);
		expect((await ensureHub(hub.paths)).pid).toBe(next?.pid);
	});

	it('treats a hub that does not report its schema as one of an older agentmux', () => {
		const paths = placesIn(newHome());
		mkdirSync(paths.state);
		writeFileSync(join(paths.state, 'hub.json'), JSON.stringify({pid: process.pid, url: null}));
		expect(readState(paths)).toMatchObject({schema: ''});
	});

	it('ends the hub of an older agentmux only while no other program can start one', async () => {
		const hub = await start();
		const folder = temporaryHome();
		const program = installPackage(folder, {migration: 'create table agentmux.later (id int);'});
		// Like a screen of the older version whose hub has ended.
		const module = fileURLToPath(new URL('../../source/hub/files/lock.ts', import.meta.url));
		const script = `
			const {takeLock} = await import(${JSON.stringify(module)});
			const lock = await takeLock(${JSON.stringify(join(hub.paths.state, 'start.lock'))});
			process.stdin.on('end', () => lock.release()).resume();
			console.log(lock === null ? 'taken' : 'held');`;
		const starting = spawn(process.execPath, ['--input-type=module', '-e', script]);
		try {
			const [first] = (await once(starting.stdout, 'data')) as [Buffer];
			expect(first.toString()).toBe('held\n');
			let isFree = false;
			const replaced: boolean[] = [];
			const newer = Home.at(hub.home).start(['hub', 'start'], {program});
			newer.stderr.on('data', (said: Buffer) => {
				if (said.includes('Replacing')) replaced.push(isFree);
			});
			const ended = once(newer, 'exit');
			await Promise.race([ended, once(newer.stderr, 'data'), sleep(2000)]);
			isFree = true;
			starting.stdin.end();
			expect(await ended).toEqual([0, null]);
			expect(replaced).toEqual([true]);
			expect((await findHub(hub.paths))?.schema).toBe('99990101000000');
		} finally {
			starting.kill('SIGKILL');
			await stopHub(hub.paths);
			rmSync(folder, {recursive: true, force: true});
		}
	});

	it('ignores files of a dead hub', async () => {
		const home = newHome();
		const first = await start(home);
		await first.kill();
		expect(existsSync(join(first.paths.state, 'hub.json'))).toBe(true);
		expect(await findHub(first.paths)).toBeNull();
		const next = await ensureHub(first.paths);
		expect(next.pid).not.toBe(first.pid);
	});

	it('uses another port if its own is now in use', async () => {
		const home = newHome();
		const first = await start(home);
		await first.stop({keep: true});
		const {createServer} = await import('node:http');
		const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
		await once(squatter, 'listening');
		try {
			expect((await ensureHub(first.paths)).url).not.toBe(first.url);
		} finally {
			squatter.close();
		}
	});

	it('survives any number of interrupted first starts', async () => {
		const home = newHome();
		for (const delay of [150, 350, 550, 750]) {
			const child = spawnHub(home);
			await sleep(delay);
			child.kill('SIGKILL');
			if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
		}
		const hub = await startFirst(home);
		expect(await sql(hub, 'select count(*)::int as n from messages')).toEqual([{n: 0}]);
		expect(readdirSync(hub.paths.data).filter(name => name.startsWith('pg'))).toEqual(['pg']);
		await hub.stop({keep: true});
	});

	it('never makes two identical databases from one template', async () => {
		const [one, two] = [await startFirst(), await startFirst()];
		const epochs = [await sql(one, 'select epoch from mux_meta'), await sql(two, 'select epoch from mux_meta')];
		expect(epochs[0]).not.toEqual(epochs[1]);
		expect(one.jwtSecret).not.toBe(two.jwtSecret);
		await one.stop();
		await two.stop();
	});

	it('creates files that only this user can read, and puts no key into arguments or the log', async () => {
		const hub = await startFirst();
		for (const folder of [hub.paths.data, hub.paths.state, hub.paths.logs, join(hub.paths.data, 'pg')]) {
			expect([folder, statSync(folder).mode & 0o777]).toEqual([folder, 0o700]);
		}
		for (const file of ['data/keys.json', 'data/hub.lock', 'state/hub.json', 'logs/hub.log']) {
			expect([file, statSync(join(hub.home, file)).mode & 0o777]).toEqual([file, 0o600]);
		}
		expect(readFileSync(join(hub.paths.logs, 'hub.log'), 'utf8')).not.toContain(hub.jwtSecret);
		await hub.stop();
	});
});

describe('ending', () => {
	it('removes hub.json on SIGTERM and outlives a closed terminal', async () => {
		const hub = await start();
		process.kill(hub.pid, 'SIGHUP');
		await sleep(200);
		expect((await findHub(hub.paths))?.pid).toBe(hub.pid);
		expect(await stopHub(hub.paths)).toBe(hub.pid);
		expect(existsSync(join(hub.paths.state, 'hub.json'))).toBe(false);
		expect(await stopHub(hub.paths)).toBeNull();
	});

	it('counts as stopped while others look at its lock', async () => {
		const hub = await start();
		await stopHub(hub.paths);
		const lock = await takeLock(hubLock(hub.paths));
		expect(lock).not.toBeNull();
		expect(wasStopped(hub.paths)).toBe(true);
		lock?.release();
	});

	it('counts as stopped from the first moment, when the connections are closed and the database is not', async () => {
		const hub = await start();
		process.kill(hub.pid, 'SIGSTOP');
		try {
			expect(wasStopped(hub.paths)).toBe(false);
			const file = join(hub.paths.state, 'hub.json');
			writeFileSync(file, JSON.stringify({...readState(hub.paths), stopping: true}));
			expect(wasStopped(hub.paths)).toBe(true);
		} finally {
			process.kill(hub.pid, 'SIGCONT');
		}
	});
});

describe('errors', () => {
	it('says so in one sentence when the folder cannot be used', async () => {
		const home = newHome();
		writeFileSync(join(home, 'data'), 'a file');
		await expect(ensureHub(placesIn(home))).rejects.toMatchObject({
			name: 'HubError',
			message: expect.stringContaining('there is a file where a folder should be') as unknown,
		});
	});

	it('names the folder of a damaged database and what to do', async () => {
		const home = newHome();
		const hub = await start(home);
		await hub.stop({keep: true});
		writeFileSync(join(hub.paths.data, 'pg', 'global', 'pg_control'), 'nonsense');
		await expect(ensureHub(hub.paths)).rejects.toMatchObject({
			name: 'HubError',
			message: expect.stringContaining(`Cannot open the database in ${join(hub.paths.data, 'pg')}`) as unknown,
			remedy: expect.stringContaining('backup') as unknown,
		});
	});

	it("refuses a database that a newer agentmux made, and accepts the user's own migrations", async () => {
		const home = newHome();
		const hub = await start(home);
		const insert = 'insert into supabase_migrations.schema_migrations (version, name, created_by) values';
		await sql(hub, `${insert} ('29991231235959', 'by the management calls', 'management')`);
		await sql(hub, `${insert} ('29991231235958', 'by the Supabase CLI', null)`);
		await hub.stop({keep: true});
		const again = await start(home);
		await sql(again, `insert into agentmux.migrations (version) values ('29991231235957')`);
		await again.stop({keep: true});
		await expect(ensureHub(hub.paths)).rejects.toMatchObject({
			message: expect.stringContaining('made by a newer agentmux') as unknown,
		});
	});

	it('migrates the rows of an older agentmux: delivered messages wait for their ack, and come again', async () => {
		const home = newHome();
		const {data} = placesIn(home);
		mkdirSync(data, {mode: 0o700});
		const database = await WorkerDatabase.open({directory: join(data, 'pg'), timeout: 60_000});
		await makeFormer(database, '20261123001000');
		await database.script(
			owner,
			`insert into messages (content) values ('[A] @B acked'), ('[A] @B long ago'), ('[A] @B just now'), ('[A] @B new');
			insert into receipts (message_id, reader, state, delivered_at, acked_at) values (1, 'B', 'acked', now(), now());
			insert into receipts (message_id, reader, delivered_at) values (2, 'B', now() - interval '1 hour'), (3, 'B', now())`,
		);
		await database.close();
		const hub = await start(home);
		const response = await fetch(`${hub.url}/rest/v1/rpc/inbox_take`, {
			method: 'POST',
			headers: {apikey: hub.anonKey, authorization: `Bearer ${hub.tokenFor('B')}`, 'content-type': 'application/json'},
			body: '{"p_route": "hook"}',
		});
		expect(await response.json()).toMatchObject([{body: '@B long ago'}, {body: '@B new'}]);
		expect(await sql(hub, 'select message_id as id, state, attempts, takes from receipts order by 1')).toEqual([
			{id: 1, state: 'acked', attempts: 0, takes: 0},
			{id: 2, state: 'taken', attempts: 1, takes: 1},
			{id: 3, state: 'delivered', attempts: 1, takes: 0},
			{id: 4, state: 'taken', attempts: 0, takes: 1},
		]);
	});

	it('logs why PostgreSQL panicked, and tells the client', async () => {
		const hub = await start();
		const [row] = (await sql(hub, 'select pg_walfile_name(pg_current_wal_lsn()) as name')) as {name: string}[];
		const wal = join(hub.paths.data, 'pg/pg_wal');
		const present = readdirSync(wal).filter(name => /^[0-9A-F]{24}$/.test(name) && name > (row?.name ?? ''));
		// What comes next in its log cannot be opened.
		const next = `${(row?.name ?? '').slice(0, 16)}${(Number.parseInt((row?.name ?? '').slice(16), 16) + 1).toString(16).toUpperCase().padStart(8, '0')}`;
		for (const name of new Set([...present, next])) {
			rmSync(join(wal, name), {force: true});
			mkdirSync(join(wal, name));
		}
		// More than the part that is open, and incompressible.
		const text = "(select string_agg(gen_random_uuid()::text, '') from generate_series(1, 3000) where n > 0)";
		const filling = `insert into messages (content) select '[A] ' || ${text} from generate_series(1, 40) n`;
		const refused = await sql(hub, filling).catch((error: unknown) => String(error));
		const log = (): string => readFileSync(join(hub.paths.logs, 'hub.log'), 'utf8');
		await expect.poll(log, {timeout: 20_000}).toMatch(/The database stopped: could not .*pg_wal\/[0-9A-F]{24}/);
		expect(refused).toMatch(/the database stopped while it worked on this.*could not .*pg_wal/s);
	});

	it('reports the running statements, which end when their client goes away', async () => {
		const hub = await start(newHome());
		const running = async (): Promise<unknown> => (await findHub(hub.paths))?.running;
		const asked = new AbortController();
		const answer = fetch(`${hub.url}/v1/projects/local/database/query`, {
			method: 'POST',
			headers: {authorization: `Bearer ${hub.serviceRoleKey}`, 'content-type': 'application/json'},
			body: JSON.stringify({query: 'select pg_sleep(110)'}),
			signal: asked.signal,
		});
		const sleeping = {who: 'the owner of the database', what: 'select pg_sleep(110)'};
		await expect.poll(running, {timeout: 20_000}).toContainEqual(expect.objectContaining(sleeping));
		asked.abort();
		await expect(answer).rejects.toMatchObject({name: 'AbortError'});
		await expect.poll(running, {timeout: 20_000}).not.toContainEqual(expect.objectContaining(sleeping));
		expect(await sql(hub, 'select 1 as one')).toEqual([{one: 1}]);
	});

	it('says that the keys are damaged', async () => {
		const home = newHome();
		mkdirSync(join(home, 'data'), {mode: 0o700});
		writeFileSync(join(home, 'data', 'keys.json'), '{"jwt_secret": 1}');
		await expect(ensureHub(placesIn(home))).rejects.toMatchObject({
			message: expect.stringContaining('keys.json is damaged') as unknown,
		});
	});
});

describe('a lock', () => {
	it('is held by one process and dies with it', async () => {
		const home = newHome();
		const path = join(home, 'some.lock');
		const lock = new URL('../../source/hub/files/lock.ts', import.meta.url).href;
		const script = `const {takeLock} = await import('${lock}'); globalThis.lock = await takeLock('${path}'); console.log('held'); setInterval(() => {}, 1000)`;
		const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let warned = '';
		holder.stderr.on('data', (chunk: Buffer) => {
			warned += chunk.toString();
		});
		await once(holder.stdout, 'data');
		expect(await takeLock(path)).toBeNull();
		chmodSync(path, 0o600);
		holder.kill('SIGKILL');
		await once(holder, 'exit');
		const mine = await takeLock(path);
		expect(mine).not.toBeNull();
		mine?.release();
		expect(warned).toBe('');
	});
});
