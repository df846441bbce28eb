import {once} from 'node:events';
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {spawnHub, type TestHub} from '../helpers/hub.ts';
import {cli, Home} from '../helpers/program.ts';
import type {Fault, Outcome} from './faults.ts';
import type {NoSpace} from './no-space.ts';
import {onEngine} from './on-engine.ts';
import {installPackage} from './package-copy.ts';
import {query, Writers} from './writers.ts';

/** Resolves once it holds; false after a minute. */
async function until(holds: () => boolean): Promise<boolean> {
	for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) if (holds()) return true;
	return false;
}

/** Acknowledgements come (again); resolves with the milliseconds that took, and says when they do not. */
async function goesOn(writers: Writers, faults: string[], when: string): Promise<number> {
	const at = performance.now();
	const before = writers.acknowledged;
	if (!(await until(() => writers.acknowledged > before))) faults.push(`${when}: nothing was acknowledged in a minute`);
	return performance.now() - at;
}

/** What a hub says that is to refuse to start. */
async function refusal(home: string, options: Parameters<typeof spawnHub>[1]): Promise<string> {
	const child = spawnHub(home, options);
	let said = '';
	child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
	const [code] = (await Promise.race([once(child, 'close'), sleep(60_000).then(() => ['it still runs'])])) as [unknown];
	if (code !== 1) child.kill('SIGKILL');
	return code === 1 ? said : `(exit ${String(code)}) ${said}`;
}

/** One sentence with its remedy and no stack. */
function isSentence(said: string, part: RegExp): boolean {
	return part.test(said) && !/\n\s+at /.test(said) && said.startsWith('agentmux: ');
}

function descriptors(trials: number): Promise<Outcome> {
	return onEngine('pglite', async (start, home) => {
		const recovered: number[] = [];
		const faults: string[] = [];
		const writers = new Writers();
		const limited = (files: number): {within: readonly string[]} => ({
			within: ['/bin/sh', '-c', `ulimit -n ${files}; exec "$0" "$@"`],
		});
		for (let trial = 0; trial < trials; trial += 1) {
			const said = await refusal(home, {cli, ...limited(64)});
			if (!isSentence(said, /limit of open files is 64.*ulimit/)) faults.push(`with 64 files it said: ${said}`);
			for (const files of [128, 256]) {
				const hub = await start({}, limited(files));
				writers.start(hub);
				await goesOn(writers, faults, `with ${files} files`);
				const sockets = await connectMany(hub, files);
				const read = await Home.at(home).run(['tail', '-n', '1', '--json']);
				if (read.code !== 0) faults.push(`with ${files} files and as many sockets tail said: ${read.stderr}`);
				const log = readFileSync(join(home, 'logs/hub.log'), 'utf8');
				if (!log.includes('Rejecting connections')) faults.push(`with ${files} files its log says nothing of it`);
				for (const socket of sockets) socket.destroy();
				recovered.push(await goesOn(writers, faults, `after ${files} sockets`));
				await writers.stop();
				await hub.stop({keep: true});
			}
		}
		return {trials, recovered, faults, ...(await writers.find(await start()))};
	});
}

/** Connections that send nothing; each is open or was rejected. */
function connectMany({url}: TestHub, count: number): Promise<Socket[]> {
	const port = Number(new URL(url).port);
	return Promise.all(
		Array.from(
			{length: count},
			() =>
				new Promise<Socket>(resolve => {
					const socket = connect({host: '127.0.0.1', port});
					socket.on('error', () => resolve(socket)).once('connect', () => resolve(socket));
				}),
		),
	);
}

function memory(trials: number): Promise<Outcome> {
	return onEngine('pglite', async start => {
		const recovered: number[] = [];
		const faults: string[] = [];
		const writers = new Writers();
		for (let trial = 0; trial < trials; trial += 1) {
			const hub = await start({NODE_OPTIONS: '--max-old-space-size=64'});
			writers.start(hub);
			await goesOn(writers, faults, 'with 64 MB');
			const answered = await query(hub, 'select repeat(md5(n::text), 6000) as t from generate_series(1, 1500) n').then(
				() => 'all of it came',
				(error: unknown) => String(error),
			);
			if (!/memory|fetch failed/.test(answered)) faults.push(`288 MB in 64 MB: ${answered}`);
			// Its process goes on, or it has ended; then the next command starts another.
			const isAlive = (): boolean => {
				try {
					return process.kill(hub.pid, 0);
				} catch {
					return false;
				}
			};
			if (isAlive()) recovered.push(await goesOn(writers, faults, 'after it ran out of memory'));
			await writers.stop();
			await hub.stop({keep: true});
		}
		return {trials, recovered, faults, ...(await writers.find(await start()))};
	});
}

const fullDisk = /disk is full|[Nn]o space left/;
// Without the reason if it ended the database's thread.
const says = {full: fullDisk, torn: fullDisk, readonly: /read-only|could not copy its database/i};
const preload = `--import ${new URL('disk.ts', import.meta.url).href}`;

/** A disk that nothing more can be written to, at every stage of a hub's life; each time there is space again afterwards. */
function disk(kind: NoSpace, trials: number): Promise<Outcome> {
	return onEngine(
		'pglite',
		async (start, home) => {
			const recovered: number[] = [];
			const faults: string[] = [];
			const writers = new Writers();
			const flag = join(home, 'no-space');
			const env = {NODE_OPTIONS: preload, AGENTMUX_FAULT: `${kind}:${flag}`};
			let totals: Partial<Outcome> = {};
			const outside = mkdtempSync(join(tmpdir(), 'agentmux-faults-'));
			const program = Home.at(home);
			/** What is to fail with a sentence while there is no space. */
			const without = async (stage: string, work: () => Promise<string>): Promise<void> => {
				writeFileSync(flag, '');
				const said = await work().catch((error: unknown) => String(error));
				rmSync(flag, {force: true});
				if (!isSentence(said, says[kind])) faults.push(`${kind}, ${stage}: it said ${JSON.stringify(said)}`);
				const left = existsSync(join(home, 'data'))
					? readdirSync(join(home, 'data')).filter(name => name.startsWith('pg.new'))
					: [];
				// A disk that cannot be changed keeps what lies there; the next start takes it away.
				if (left.length > 0 && kind !== 'readonly') faults.push(`${kind}, ${stage}: left behind ${left.join()}`);
			};
			const command = async (...words: string[]): Promise<string> => {
				const {code, stderr} = await program.run(words, {env});
				return code === 1 ? stderr : `(exit ${code}) ${stderr}`;
			};
			/** What is there can be read; but PostgreSQL itself does not run where nothing can be written. */
			const unread = (name: string, {code, stderr}: {code: number | null; stderr: string}): string[] => {
				const isAllowed = code === 0 || (kind === 'readonly' && isSentence(stderr, says[kind]));
				return isAllowed ? [] : [`${kind}, running: ${name} said ${stderr}`];
			};
			const again = async (): Promise<TestHub> => {
				const at = performance.now();
				const hub = await start(env);
				recovered.push(performance.now() - at);
				return hub;
			};
			try {
				for (let trial = 0; trial < trials; trial += 1) {
					if (trial === 0) await without('first start', () => refusal(home, {cli, env}));
					let hub = await again();
					// Its first message makes the human's key.
					await program.output(['send', 'hello']);

					writers.start(hub);
					await goesOn(writers, faults, `${kind}, running`);
					await without('running', async () => {
						await query(
							hub,
							"insert into messages (content) select '[BIG] ' || repeat(md5(n::text), 6000) from generate_series(1, 40) n",
						).then(
							() => faults.push(`${kind}: it was not noticed`),
							() => null,
						);
						const read = await program.run(['tail', '-n', '1', '--json'], {env});
						faults.push(...unread('tail', read));
						const inbox = await program.run(['inbox', '--as', 'HUMAN', '--json'], {env});
						faults.push(...unread('inbox', inbox));
						return command('send', 'x'.repeat(100_000));
					});
					// A hub that could not continue has ended; the next command starts another.
					await program.run(['hub', 'start'], {env});
					recovered.push(await goesOn(writers, faults, `${kind}, after running`));
					await writers.stop();

					const inside = join(home, `inside-${trial}.tar.gz`);
					const file = join(outside, `${trial}.tar.gz`);
					await without('backup', () => command('hub', 'backup', inside));
					if (existsSync(inside)) faults.push(`${kind}: a backup that failed left a file`);
					const backup = await program.run(['hub', 'backup', file], {env});
					if (backup.code !== 0) faults.push(`${kind}, backup with space again: ${backup.stderr}`);
					const before = writers.acknowledged;
					await without('restore', () => command('hub', 'restore', file));
					const [row] = await query<{n: number}>(hub, 'select count(*)::int as n from messages').catch(() => []);
					if ((row?.n ?? 0) < before)
						faults.push(`${kind}: a restore that failed left ${row?.n} of ${before} messages`);

					writeFileSync(flag, '');
					const stopped = await program.run(['hub', 'stop'], {env});
					if (stopped.code !== 0 && !isSentence(stopped.stderr, says[kind]))
						faults.push(`${kind}, stop: it said ${JSON.stringify(stopped.stderr)}`);
					rmSync(flag);
					await program.run(['hub', 'stop'], {env});

					const newer = installPackage(join(outside, `newer-${trial}`), {
						migration: `create table agentmux.later_${trial} as select repeat(md5(n::text), 9) as t from generate_series(1, 9000) n;`,
					});
					await without('migration', () => refusal(home, {cli: newer, env}));
					// One that has the migration is not served by those who have not.
					hub = await start(env, {cli: newer});
					totals = await writers.find(hub);
					await hub.stop({keep: true});
				}
				return {trials, recovered, faults, ...totals};
			} finally {
				rmSync(outside, {recursive: true, force: true});
			}
		},
		{empty: true},
	);
}

export const resources: readonly Fault[] = [
	{what: '64, 128 and 256 open files', long: true, trials: 1, run: descriptors},
	{what: 'more in memory than there is', trials: 1, longTrials: 3, run: memory},
	{what: 'disk full at every stage', trials: 1, seconds: 18, long: true, run: trials => disk('full', trials)},
	{
		what: 'disk full in the middle of a write, at every stage',
		trials: 1,
		long: true,
		run: trials => disk('torn', trials),
	},
	{what: 'disk read-only at every stage', trials: 1, long: true, run: trials => disk('readonly', trials)},
];
