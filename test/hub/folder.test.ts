import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {
	cpSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, it, onTestFinished} from 'vitest';
import {findHub, isAlive} from '../../source/hub/process/find.ts';
import {placesIn, spawnHub, startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';

const bases: string[] = [];
const hubs: TestHub[] = [];

afterEach(async () => {
	for (const hub of hubs.splice(0)) await hub.kill();
	for (const base of bases.splice(0)) rmSync(base, {recursive: true, force: true});
});

/** A home in a separate folder, so that what is moved out of the home is removed with it. */
function newHome(): string {
	const base = temporaryHome();
	bases.push(base);
	const home = join(base, 'home');
	mkdirSync(home, {mode: 0o700});
	return home;
}

async function start(home: string): Promise<TestHub> {
	const hub = await startTestHub({home, cli});
	hubs.push(hub);
	return hub;
}

async function insert(hub: TestHub, text: string): Promise<boolean> {
	const response = await fetch(`${hub.url}/rest/v1/messages`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${hub.serviceRoleKey}`,
			apikey: hub.serviceRoleKey,
			'content-type': 'application/json',
		},
		body: JSON.stringify({content: `[W] ${text}`}),
	}).catch(() => null);
	return response?.ok === true;
}

async function bodies(hub: TestHub): Promise<string[]> {
	const response = await fetch(`${hub.url}/rest/v1/messages?select=body&order=id`, {
		headers: {authorization: `Bearer ${hub.serviceRoleKey}`, apikey: hub.serviceRoleKey},
	});
	return ((await response.json()) as {body: string}[]).map(({body}) => body);
}

async function gone({pid}: {readonly pid: number}): Promise<void> {
	await expect.poll(() => isAlive(pid), {timeout: 20_000}).toBe(false);
}

describe('a data folder that is moved away from a running hub', () => {
	it.each<[string, (home: string) => void]>([
		['home moved', home => renameSync(home, `${home}.old`)],
		['home removed', home => rmSync(home, {recursive: true})],
		['data moved', home => renameSync(join(home, 'data'), `${home}.old`)],
		['database moved', home => renameSync(join(home, 'data/pg'), `${home}.old`)],
		['lock removed', home => rmSync(join(home, 'data/hub.lock'))],
	])(
		'%s: the next hub there loses nothing',
		async (what, take) => {
			const home = newHome();
			const first = await start(home);
			// With a longer write-ahead log than the next one will have.
			for (let number = 0; number < 10; number += 1) expect(await insert(first, 'x'.repeat(200_000))).toBe(true);
			take(home);
			// It still holds a lock there, or the database of the next one.
			if (what === 'database moved' || what === 'lock removed') await gone(first);
			mkdirSync(home, {recursive: true, mode: 0o700});
			const second = await start(home);
			const acknowledged = what === 'lock removed' ? await bodies(second) : [];
			const isOther = first.url !== second.url;
			const nowhere: boolean[] = [];
			for (let number = 0; number < 20; number += 1) {
				if (await insert(second, String(number))) acknowledged.push(String(number));
				if (isOther) nowhere.push(await insert(first, 'into nowhere'));
			}
			expect(nowhere).not.toContain(true);
			await first.stop({keep: true});
			expect((await findHub(second.paths))?.pid).toBe(second.pid);
			await second.kill();
			expect(acknowledged).toHaveLength(what === 'lock removed' ? 30 : 20);
			expect(await bodies(await start(home))).toEqual(acknowledged);
		},
		180_000,
	);

	it('is kept open: everything acknowledged before is in the moved folder', async () => {
		const home = newHome();
		const first = await start(home);
		expect(await insert(first, 'mine')).toBe(true);
		renameSync(home, `${home}.old`);
		await gone(first);
		renameSync(`${home}.old`, home);
		expect(await bodies(await start(home))).toEqual(['mine']);
	});

	it('the hub goes on if a link to it was replaced, and stops if the link leads elsewhere', async () => {
		const home = newHome();
		const other = newHome();
		const link = `${home}.link`;
		symlinkSync(home, link);
		const first = await start(link);
		expect(await insert(first, 'here')).toBe(true);
		rmSync(link);
		symlinkSync(other, link);
		await gone(first);
		const second = await start(link);
		expect(await bodies(second)).toEqual([]);
		expect(await bodies(await start(home))).toEqual(['here']);
	});

	it.each<[what: string, spoil: (path: string) => void]>([
		['a pipe', path => execFileSync('mkfifo', [path])],
		['a link to the same text', path => symlinkSync(`${path}.old`, path)],
	])('handles a file where somebody put %s', async (_, spoil) => {
		const hub = await start(newHome());
		const path = join(hub.paths.state, 'hub.json');
		const written = readFileSync(path, 'utf8');
		const isWritten = () =>
			lstatSync(path, {throwIfNoEntry: false})?.isFile() && readFileSync(path, 'utf8') === written;
		renameSync(path, `${path}.old`);
		spoil(path);
		await expect.poll(isWritten, {timeout: 30_000}).toBe(true);
		expect(await insert(hub, 'served')).toBe(true);
	});

	it('is not written to if it is a copy, such as a backup that was moved into its place', async () => {
		const home = newHome();
		const first = await start(home);
		expect(await insert(first, 'copied')).toBe(true);
		await first.stop({keep: true});
		const copy = `${home}.copy`;
		cpSync(join(home, 'data/pg'), copy, {recursive: true});
		const again = await start(home);
		expect(await insert(again, 'not in the copy')).toBe(true);
		renameSync(join(home, 'data/pg'), `${home}.old`);
		renameSync(copy, join(home, 'data/pg'));
		const before = statSync(join(home, 'data/pg/global/pg_control')).mtimeMs;
		await gone(again);
		expect(statSync(join(home, 'data/pg/global/pg_control')).mtimeMs).toBe(before);
		expect(await bodies(await start(home))).toEqual(['copied']);
	});

	it.each(['PGlite', 'PostgreSQL'])('says so in one sentence, on %s', async engine => {
		const home = newHome();
		const server = engine === 'PGlite' ? null : await startPostgres();
		onTestFinished(async () => server?.stop());
		const child = spawnHub(home, {cli, env: server === null ? {} : {AGENTMUX_DATABASE_URL: server.connectionString}});
		onTestFinished(() => void child.kill('SIGKILL'));
		let said = '';
		child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
		await expect.poll(() => findHub(placesIn(home)), {timeout: 50_000}).not.toBeNull();
		const ended = once(child, 'close');
		renameSync(home, `${home}.old`);
		mkdirSync(join(home, 'state'), {recursive: true, mode: 0o700});
		expect(await ended).toEqual([1, null]);
		expect(said).toBe(
			`agentmux: The hub (process ${child.pid}) has ended, because its data folder ${join(home, 'data')} was moved, removed or replaced. It wrote nothing to a folder that is there now. Everything it acknowledged is in the folder that was moved.\n`,
		);
		expect(existsSync(join(home, 'state/hub.json'))).toBe(false);
		// Neither its state nor its socket is taken away where it was moved to.
		expect(readFileSync(join(`${home}.old`, 'state/hub.json'), 'utf8')).toContain(String(child.pid));
	});
});
