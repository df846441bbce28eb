import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {stopHub} from '../../source/hub/process/ensure.ts';
import {isAlive} from '../../source/hub/process/find.ts';
import {placesIn, startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startedBefore} from '../helpers/prepared.ts';
import {cli, Home} from '../helpers/program.ts';
import type {Fault} from './faults.ts';
import {query, Writers} from './writers.ts';

const start = (home: string): Promise<TestHub> => startTestHub({home, cli});

/** A home below a folder of its own, which goes with everything that was moved about in it. */
async function inBase<T>(work: (home: string) => Promise<T>): Promise<T> {
	const base = temporaryHome();
	const home = join(base, 'home');
	mkdirSync(home, {mode: 0o700});
	await startedBefore(home);
	try {
		return await work(home);
	} finally {
		await stopHub(placesIn(home)).catch(() => null);
		rmSync(base, {recursive: true, force: true, maxRetries: 5});
	}
}

/** Resolves with whether the process has ended by itself within 20 s. */
async function ends(pid: number): Promise<boolean> {
	for (let waited = 0; waited < 20_000; waited += 50) {
		if (!isAlive(pid)) return true;
		await sleep(50);
	}
	return false;
}

const takings: readonly [string, (home: string) => void][] = [
	['home moved', home => renameSync(home, `${home}.${Date.now()}`)],
	['home removed', home => rmSync(home, {recursive: true})],
	['data moved', home => renameSync(join(home, 'data'), `${home}.data.${Date.now()}`)],
	['database moved', home => renameSync(join(home, 'data/pg'), `${home}.pg.${Date.now()}`)],
];

const taken: Fault = {
	what: 'the home moved or removed under a hub; another starts there',
	trials: 1,
	longTrials: takings.length,
	seconds: 10,
	async run(trials) {
		const faults: string[] = [];
		const recovered: number[] = [];
		const total = {acknowledged: 0, lost: 0, duplicated: 0};
		// Of a short run, each does other ones.
		const first = Math.floor(Math.random() * takings.length);
		for (let trial = 0; trial < trials; trial += 1) {
			const [what, take] = takings[(first + trial) % takings.length] ?? takings[0]!;
			await inBase(async home => {
				const former = await start(home);
				const before = new Writers();
				before.start(former);
				await sleep(1000);
				take(home);
				if (!(await ends(former.pid))) faults.push(`${what}: the hub went on`);
				await before.stop();
				mkdirSync(home, {recursive: true, mode: 0o700});
				const at = performance.now();
				const second = await start(home);
				recovered.push(performance.now() - at);
				const writers = new Writers();
				writers.start(second);
				await sleep(500);
				await former.stop({keep: true});
				await writers.stop();
				await second.kill();
				const found = await writers.find(await start(home));
				total.acknowledged += found.acknowledged;
				total.lost += found.lost;
				total.duplicated += found.duplicated;
			});
		}
		return {trials, recovered, faults, ...total};
	},
};

/** What may become of a file; each is given its path and what it held. */
const ways: readonly [string, (path: string, bytes: Buffer) => void][] = [
	['empty', path => writeFileSync(path, '')],
	['half', (path, bytes) => writeFileSync(path, bytes.subarray(0, bytes.length / 2))],
	['NULs', (path, bytes) => writeFileSync(path, Buffer.alloc(bytes.length))],
	['foreign JSON', path => writeFileSync(path, '{"somebody": "else"}\n')],
	['foreign bytes', path => writeFileSync(path, Buffer.from('ff00fe7f1b5b3441c3281b63', 'hex'))],
	['read-only', path => execFileSync('chmod', ['0400', path])],
	['gone', path => rmSync(path)],
	[
		'a directory',
		path => {
			rmSync(path);
			mkdirSync(path);
		},
	],
];

/** The files of a home that was used, below it: not the database's own, and nothing that is only kept to be faster. */
function filesOf(home: string): string[] {
	return readdirSync(home, {recursive: true, withFileTypes: true})
		.filter(entry => entry.isFile())
		.map(({parentPath, name}) => join(parentPath, name).slice(home.length + 1))
		.filter(path => !/^(?:data\/pg|cache|project)\/|\.lock$|reserve$/.test(path))
		.toSorted();
}

/** Milliseconds. A command answers by then, with what was asked or with a sentence. */
const longest = 30_000;

class TornHome {
	readonly home: Home;
	readonly #good: string;
	readonly faults: string[] = [];
	readonly slow: number[] = [];

	constructor(home: Home) {
		this.home = home;
		this.#good = `${home.path}.good`;
	}

	async fill(): Promise<void> {
		const project = join(this.home.path, 'project');
		mkdirSync(project);
		writeFileSync(join(this.home.path, 'config.toml'), 'tag = "HUMAN"\n', {mode: 0o600});
		await this.home.output(['send', 'kept']);
		await this.home.output(['join', 'CLAUDE_1', '--dir', project]);
		await this.home.output(['keys']).catch(() => '');
		await this.#hook();
		await this.home.output(['verify']);
		await this.home.output(['hub', 'stop']);
		cpSync(this.home.path, this.#good, {recursive: true});
	}

	get files(): string[] {
		return [...filesOf(this.#good), 'data/hub.lock', 'state/hub.json'];
	}

	async try(file: string, way: string, spoil: (typeof ways)[number][1], isRunning: boolean): Promise<void> {
		const path = join(this.home.path, file);
		const name = `${file}, ${way}, ${isRunning ? 'running' : 'stopped'}`;
		if (isRunning) await this.home.output(['hub', 'start']);
		if (!existsSync(path)) return;
		spoil(path, readFileSync(path));
		for (const words of [
			['search', 'kept', '--json'],
			['send', 'more'],
			['hub', 'status'],
		])
			await this.#command(name, words, file);
		const {code} = await this.#hook();
		if (code !== 0) this.faults.push(`${name}: the hook exits ${code}`);
		await this.#stop(name, isRunning);
		this.#restore(file);
		const {code: after, stdout} = await this.home.run(['search', 'kept', '--json']);
		if (after !== 0 || !stdout.includes('"kept"')) this.faults.push(`${name}: what was there is not, afterwards`);
		await this.home.run(['hub', 'stop']);
	}

	async #command(name: string, words: string[], file: string): Promise<void> {
		const at = performance.now();
		const {code, stdout, stderr} = await this.home.run(words);
		const took = performance.now() - at;
		this.slow.push(took);
		const said = stderr.replaceAll(/^agentmux: (?:Starting|Opening|Preparing|Sealing).*\n/gm, '').trim();
		const where = `${name}: \`${words.join(' ')}\``;
		if (took > longest) this.faults.push(`${where} took ${Math.round(took)} ms`);
		if (code === 0 && words[0] === 'search' && !stdout.includes('"kept"')) this.faults.push(`${where} shows nothing`);
		if (code === 0 || words[0] === 'hub') return;
		// A sentence that names the file, and one that says what to do.
		if (code !== 1 || !said.includes(file.split('/').at(-1) ?? '') || !/[.!`] [A-Z]/.test(said)) {
			this.faults.push(`${where} exits ${code} and says: ${said}`);
		}
	}

	async #stop(name: string, isRunning: boolean): Promise<void> {
		const {code, stderr} = await this.home.run(['hub', 'stop']);
		if (isRunning && code === 0 && stderr.includes('No hub is running')) this.faults.push(`${name}: stop saw no hub`);
	}

	/** As a user does who was told which file it is. */
	#restore(file: string): void {
		const good = join(this.#good, file);
		rmSync(join(this.home.path, file), {recursive: true, force: true});
		if (existsSync(good)) cpSync(good, join(this.home.path, file));
	}

	async #hook(): Promise<{code: number | null}> {
		const child = spawn(process.execPath, [join(cli, '../hook.cjs'), 'UserPromptSubmit', '--as', 'CLAUDE_1'], {
			env: this.home.env(),
			stdio: ['pipe', 'ignore', 'ignore'],
		});
		child.stdin.on('error', () => undefined);
		child.stdin.end('{"session_id": "torn"}');
		await once(child, 'close');
		return {code: child.exitCode};
	}

	async dispose(): Promise<void> {
		await this.home.dispose();
		rmSync(this.#good, {recursive: true, force: true});
	}
}

/** Damages that many files in random ways. */
async function tear(
	trials: number,
	chosen: (file: string) => boolean,
	states: readonly boolean[],
): Promise<TornHome & {cells: number}> {
	const torn = Object.assign(new TornHome(await Home.make()), {cells: 0});
	try {
		await torn.fill();
		const files = [...new Set(torn.files.filter(chosen))];
		const cells = files.flatMap(file =>
			ways.flatMap(([way, spoil]) => states.map(isRunning => () => torn.try(file, way, spoil, isRunning))),
		);
		for (; torn.cells < trials && cells.length > 0; torn.cells += 1) {
			const [cell] = cells.splice(Math.floor(Math.random() * cells.length), 1);
			await cell?.();
		}
		return torn;
	} finally {
		await torn.dispose();
	}
}

const tornState: Fault = {
	what: 'hub.json, keys.json, hub.lock torn in every way, hub running',
	trials: 1,
	longTrials: 6,
	seconds: 18,
	async run(trials) {
		const {cells, faults, slow} = await tear(trials, file => /hub\.json|keys\.json|hub\.lock/.test(file), [true]);
		return {trials: cells, recovered: slow, faults};
	},
};

const tornAll: Fault & {readonly long: true} = {
	what: 'every file of the home torn in every way, hub running and stopped',
	long: true,
	trials: 14,
	seconds: 150,
	async run(trials) {
		const {cells, faults, slow} = await tear(trials, () => true, [true, false]);
		return {trials: cells, recovered: slow, faults};
	},
};

/** A disk of that size which goes with `work`; null where this user may not make one. */
async function onDisk<T>(size: string, work: (home: Home, disk: string) => Promise<T>): Promise<T | null> {
	const disk = mkdtempSync(join(tmpdir(), 'agentmux-disk-'));
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', disk], {stdio: 'ignore'});
	} catch {
		rmSync(disk, {recursive: true});
		return null;
	}
	const path = join(disk, 'home');
	mkdirSync(path, {mode: 0o700});
	const home = Home.at(path);
	try {
		return await work(home, disk);
	} finally {
		await home.run(['hub', 'stop']);
		execFileSync('umount', ['--lazy', disk]);
		rmSync(disk, {recursive: true, force: true});
	}
}

const readOn: Fault = {
	what: 'a disk that is full: what is there is read, also after a restart',
	trials: 1,
	async run(trials) {
		const faults: string[] = [];
		const recovered: number[] = [];
		const tried = await onDisk('64m', async (home, disk) => {
			const reads = async (when: string): Promise<void> => {
				for (const words of [
					['tail', '--json'],
					['inbox', '--json'],
					['hub', 'status'],
				]) {
					const {code, stdout, stderr} = await home.run(words);
					const lacks = words[0] === 'tail' && !stdout.includes('"kept"');
					if (code !== 0 || lacks) faults.push(`${when}, ${words.join(' ')}: ${code} ${stderr}`);
				}
			};
			await home.output(['send', 'kept']);
			const reserve = join(home.path, 'data/reserve');
			for (let waited = 0; !existsSync(reserve) && waited < 20_000; waited += 50) await sleep(50);
			const fill = (): void => {
				execFileSync('sh', ['-c', 'cat /dev/zero >>"$0" 2>/dev/null || true', join(disk, 'fill')]);
			};
			fill();
			await sleep(2000);
			fill();
			const {code, stderr} = await home.run(['send', 'more']);
			if (code !== 1 || !stderr.includes('The disk is full')) faults.push(`send: ${code} ${stderr}`);
			await reads('full');
			await home.run(['hub', 'stop']);
			await reads('full, started again').catch((error: unknown) => faults.push(String(error)));
			rmSync(join(disk, 'fill'));
			const at = performance.now();
			while ((await home.run(['send', 'after'])).code !== 0 && performance.now() - at < 60_000) await sleep(100);
			recovered.push(performance.now() - at);
			if (statSync(disk).isDirectory() && !(await home.output(['tail', '--json'])).includes('"after"'))
				faults.push('nothing is written afterwards');
		});
		return {
			trials,
			recovered,
			faults,
			...(tried === null ? {remark: 'not tried: this user may not mount a file system'} : {}),
		};
	},
};

const damagedPage: Fault = {
	what: 'a byte of a page changed on the disk, then a backup',
	long: true,
	trials: 4,
	async run(trials) {
		const faults: string[] = [];
		for (let trial = 0; trial < trials; trial += 1) {
			await inBase(async path => {
				const home = Home.at(path);
				const hub = await start(path);
				await query(hub, "insert into messages (content) select '[A] ' || n from generate_series(1, 500) n");
				const [row] = await query<{path: string}>(hub, "select pg_relation_filepath('messages') as path");
				await hub.stop({keep: true});
				const table = join(path, 'data/pg', row?.path ?? '');
				const bytes = readFileSync(table);
				const at = Math.floor(Math.random() * bytes.length);
				bytes[at] = (bytes[at] ?? 0) ^ (1 << (trial % 8));
				writeFileSync(table, bytes);
				const file = join(path, 'backup.tar.gz');
				const {code, stderr} = await home.run(['hub', 'backup', file]);
				if (code !== 1 || !stderr.includes('is damaged')) faults.push(`byte ${at}: exits ${code}: ${stderr}`);
				if (existsSync(file)) faults.push(`byte ${at}: a backup was kept`);
			});
		}
		return {trials, recovered: [], faults};
	},
};

export const folderFaults: readonly Fault[] = [taken, tornState, tornAll, readOn, damagedPage];
