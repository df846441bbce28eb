import {mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {isAlive} from '../../source/hub/process/find.ts';
import type {Fault, Outcome} from './faults.ts';
import {onEngine} from './on-engine.ts';
import {query, Writers} from './writers.ts';

/** A control group whose processes have so much memory together. */
interface Limit {
	/** A command that runs another in it. */
	readonly within: readonly string[];
	/** Of its processes, how many the kernel has killed. */
	kills(): number;
	remove(): void;
}

/** What the two versions of control groups call it: the parent, and the files with the limit and with the count of kills. */
const versions = [
	['/sys/fs/cgroup', 'memory.max', 'memory.events'],
	['/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.oom_control'],
] as const;

/** Null where this machine permits none. */
function limitMemory(bytes: number): Limit | null {
	for (const [parent, limit, counts] of versions) {
		const folder = `${parent}/agentmux-faults-${process.pid}-${Date.now()}`;
		try {
			mkdirSync(folder);
		} catch {
			continue;
		}
		try {
			writeFileSync(`${folder}/${limit}`, String(bytes), {flag: 'r+'});
			return {
				within: ['/bin/sh', '-c', `echo $$ >${folder}/cgroup.procs; exec "$0" "$@"`],
				kills: () => Number(/oom_kill (\d+)/.exec(readFileSync(`${folder}/${counts}`, 'utf8'))?.[1] ?? 0),
				remove: () => rmdirSync(folder),
			};
		} catch {
			rmdirSync(folder);
		}
	}
	return null;
}

const megabyte = 1024 * 1024;
/** 58 MB of text, which takes several times as much until it is sent. */
const large = 'select repeat(md5(n::text), 6000) as t from generate_series(1, 300) n';

/** While clients insert, somebody reads so much that the kernel kills the hub. */
function killedByKernel(trials: number): Promise<Outcome> {
	return onEngine('pglite', async (start): Promise<Outcome> => {
		const writers = new Writers();
		const recovered: number[] = [];
		const faults: string[] = [];
		await (await start()).stop({keep: true});
		let kills = 0;
		let hub = await start();
		for (let trial = 0; trial < trials; trial += 1) {
			await hub.stop({keep: true});
			const limit = limitMemory(400 * megabyte);
			hub = await start({}, {within: limit?.within ?? []});
			writers.start(hub);
			await sleep(300 + Math.random() * 700);
			const reading = Promise.allSettled(Array.from({length: 4}, () => query(hub, large)));
			if (limit === null) setTimeout(() => process.kill(hub.pid, 'SIGKILL'), Math.random() * 300);
			for (const end = Date.now() + 60_000; isAlive(hub.pid) && Date.now() < end;) {
				await sleep(20);
			}
			if (isAlive(hub.pid)) faults.push('the hub went on with more memory than it may have');
			await reading;
			await writers.stop();
			await hub.kill();
			kills += limit?.kills() ?? 0;
			limit?.remove();
			const at = performance.now();
			hub = await start();
			recovered.push(performance.now() - at);
		}
		const remark =
			kills > 0 ? `the kernel killed it ${kills} times` : 'killed by SIGKILL: this machine permits no limit of memory';
		return {trials, recovered, faults, ...(await writers.find(hub)), remark};
	});
}

/** A statement that needs more than PGlite may have at all, 2 GB. */
const enormous = 'select array_length(array_agg(repeat(n::text, 20000000)), 1) from generate_series(10, 150) n';

function beyondTheDatabase(trials: number): Promise<Outcome> {
	return onEngine('pglite', async (start): Promise<Outcome> => {
		const hub = await start();
		const writers = new Writers();
		const recovered: number[] = [];
		const faults: string[] = [];
		for (let trial = 0; trial < trials; trial += 1) {
			writers.start(hub);
			await sleep(300);
			const answered = await query(hub, enormous).then(
				rows => `all of it: ${JSON.stringify(rows)}`,
				(error: unknown) => String(error),
			);
			if (!/memory/.test(answered)) faults.push(`a statement that needs 4 GB was answered ${answered}`);
			const at = performance.now();
			const before = writers.acknowledged;
			while (writers.acknowledged === before && performance.now() - at < 60_000) await sleep(10);
			recovered.push(performance.now() - at);
			if (writers.acknowledged === before) faults.push('nothing was acknowledged for a minute afterwards');
			await writers.stop();
		}
		return {trials, recovered, faults, ...(await writers.find(hub))};
	});
}

/** What becomes of what was acknowledged when there is no memory left. */
export const memory: readonly Fault[] = [
	{what: 'the kernel kills the hub for want of memory', long: true, trials: 4, seconds: 45, run: killedByKernel},
	{
		what: 'a statement that needs more memory than the database has',
		long: true,
		trials: 2,
		seconds: 30,
		run: beyondTheDatabase,
	},
];
