import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {ensureHub, stopHub} from '../../source/hub/process/ensure.ts';
import {placesIn, spawnHub, startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startedBefore} from '../helpers/prepared.ts';
import {cli} from '../helpers/program.ts';
import {query, Writers, type Found} from './writers.ts';

/** What came of one fault, over all its trials. What it counts of its own kind (hand-overs, completions) goes the same way. */
export interface Outcome extends Partial<Found> {
	readonly trials: number;
	/** Milliseconds from the start of the hub, or the end of the trouble, until it answered. */
	readonly recovered: readonly number[];
	/** What should not have been; empty when all is well. */
	readonly faults: readonly string[];
	readonly remark?: string;
}

export interface Fault {
	/** What is done, in a few words: its name in the table, and what `npm run faults -- NAME` looks for. */
	readonly what: string;
	/** The database it is tested on; by default `pglite`. A fault for both is in the list twice. */
	readonly engine?: 'pglite' | 'postgres';
	/** Only in the long run. It takes the place of a short one with the same name and engine. */
	readonly long?: true;
	/**
	 * It measures how long others wait: no other fault is carried out meanwhile, or (`waiting`) only others that do little but wait.
	 */
	readonly alone?: true | 'waiting';
	/** It does little but wait, for a lease, a nap or a clock: it is carried out beside the others, and takes no place of theirs. */
	readonly waits?: true;
	/** How long it takes on two cores, about, where that is long: such a one is begun early. */
	readonly seconds?: number;
	/** How many trials a run makes; `--times` multiplies it. */
	readonly trials: number;
	/** The same for the long run, where that is to make more of them. */
	readonly longTrials?: number;
	run(trials: number): Promise<Outcome>;
}

const between = (from: number, to: number): number => Math.round(from + Math.random() * (to - from));
const preload = `--import ${new URL('disk.ts', import.meta.url).href}`;

function start(home: string, fault = ''): Promise<TestHub> {
	const env = fault === '' ? {} : {NODE_OPTIONS: preload, AGENTMUX_FAULT: fault};
	return startTestHub({home, cli, env});
}

/** Starts the hub again and says how long that took. */
async function again(home: string, recovered: number[], fault = ''): Promise<TestHub> {
	const at = performance.now();
	const hub = await start(home, fault);
	recovered.push(performance.now() - at);
	return hub;
}

/** A home with a database already, unless it is to be `empty`. */
async function inHome<T>(work: (home: string) => Promise<T>, {empty = false} = {}): Promise<T> {
	const home = temporaryHome();
	if (!empty) await startedBefore(home);
	try {
		return await work(home);
	} finally {
		await stopHub(placesIn(home)).catch(() => null);
		rmSync(home, {recursive: true, force: true, maxRetries: 5});
	}
}

/** Resolves when the process of the hub has ended by itself. */
async function gone({pid}: TestHub): Promise<void> {
	for (;;) {
		try {
			process.kill(pid, 0);
		} catch {
			return;
		}
		await sleep(10);
	}
}

/** Kills the hub while four clients insert, does something (`meanwhile`) to what it leaves, and starts it again. */
function killedInBetween(trials: number, meanwhile: (home: string) => void = () => undefined): Promise<Outcome> {
	return inHome(async home => {
		const writers = new Writers();
		const recovered: number[] = [];
		let hub = await start(home);
		for (let trial = 0; trial < trials; trial += 1) {
			writers.start(hub);
			await sleep(between(300, 1500));
			await hub.kill();
			await writers.stop();
			meanwhile(home);
			hub = await again(home, recovered);
		}
		return {trials, recovered, faults: [], ...(await writers.find(hub))};
	});
}

const killed: Fault = {
	what: 'SIGKILL while four clients insert',
	long: true,
	trials: 14,
	seconds: 60,
	run: trials => killedInBetween(trials),
};

function powerCut(kind: 'cut' | 'lie', trials: number): Promise<Outcome & {readonly unopenable: number}> {
	return inHome(async home => {
		const recovered: number[] = [];
		const faults: string[] = [];
		const total = {acknowledged: 0, lost: 0, duplicated: 0, unopenable: 0};
		await (await start(home)).stop({keep: true});
		const writers = new Writers();
		let trial = 0;
		while (trial < trials) {
			trial += 1;
			// Where it comes so early that the hub does not answer yet, nothing more can have been acknowledged.
			const hub = await start(home, `${kind}:${kind === 'lie' ? between(300, 900) : between(40, 500)}`).catch(
				() => null,
			);
			if (hub !== null) {
				writers.start(hub);
				await gone(hub);
				await writers.stop();
			}
			try {
				const healed = await again(home, recovered);
				Object.assign(total, await writers.find(healed));
				await healed.stop({keep: true});
				// The control has shown what it is for.
				if (kind === 'lie' && total.lost > 0) break;
			} catch (error) {
				total.unopenable += 1;
				faults.push(`trial ${trial}: ${String(error)}`);
				break;
			}
		}
		return {trials: trial, recovered, faults, ...total};
	});
}

const cut: Fault = {
	what: 'power cut: unsynced sectors stay or go by chance',
	trials: 2,
	seconds: 15,
	longTrials: 14,
	run: trials => powerCut('cut', trials),
};

const control: Fault = {
	what: '(control) the same on a disk whose fsync lies',
	long: true,
	trials: 10,
	seconds: 20,
	async run(trials) {
		const {lost = 0, unopenable, ...rest} = await powerCut('lie', trials);
		const faults = lost + unopenable > 0 ? [] : ['nothing was lost: the cut does not cut'];
		const {acknowledged: _, duplicated: __, ...shown} = rest;
		return {...shown, faults, remark: `${lost} lost, ${unopenable === 0 ? 'opens' : 'does not open'}: as it must be`};
	},
};

const full: Fault = {
	what: 'disk full in between, then space again',
	trials: 1,
	longTrials: 10,
	run: trials =>
		inHome(async home => {
			const flag = join(home, 'full');
			const writers = new Writers();
			const recovered: number[] = [];
			const faults: string[] = [];
			await (await start(home)).stop({keep: true});
			const hub = await start(home, `full:${flag}`);
			for (let trial = 0; trial < trials; trial += 1) {
				writers.start(hub);
				await sleep(between(200, 500));
				writeFileSync(flag, '');
				// What is written in place goes on for a while: make it need room.
				const big = query(
					hub,
					"insert into messages (content) select '[BIG] ' || repeat(md5(n::text), 6000) from generate_series(1, 40) n",
				);
				const refused = await big.then(
					() => null,
					(error: unknown) => String(error),
				);
				if (refused === null) faults.push('a full disk was not noticed');
				await sleep(300);
				rmSync(flag);
				const at = performance.now();
				const before = writers.acknowledged;
				while (writers.acknowledged === before && performance.now() - at < 60_000) await sleep(10);
				recovered.push(performance.now() - at);
				await writers.stop();
			}
			const found = await writers.find(hub);
			await hub.stop({keep: true});
			return {trials, recovered, faults, ...found};
		}),
};

const second: Fault = {
	what: 'a second hub on the same directory',
	trials: 1,
	longTrials: 4,
	run: trials =>
		inHome(async home => {
			const writers = new Writers();
			const faults: string[] = [];
			const hub = await start(home);
			writers.start(hub);
			for (let trial = 0; trial < trials; trial += 1) {
				const other = spawnHub(home, {cli});
				let said = '';
				other.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
				await once(other, 'close');
				if (other.exitCode !== 1 || !said.includes(`Another hub (process ${hub.pid}) is using`))
					faults.push(`it said: ${said}`);
			}
			await writers.stop();
			return {trials, recovered: [], faults, ...(await writers.find(hub))};
		}),
};

const stale: Fault = {
	what: 'lock and state of a hub that died, its pid now another’s',
	trials: 1,
	longTrials: 6,
	run: trials =>
		killedInBetween(trials, home => {
			const file = join(home, 'state/hub.json');
			const state = JSON.parse(readFileSync(file, 'utf8')) as object;
			writeFileSync(file, JSON.stringify({...state, pid: process.pid}));
		}),
};

const interrupted: Fault = {
	what: 'SIGKILL during the first start',
	trials: 2,
	longTrials: 10,
	async run(trials) {
		const recovered: number[] = [];
		const faults: string[] = [];
		for (let trial = 0; trial < trials; trial += 1) {
			await inHome(
				async home => {
					const child = spawnHub(home, {cli});
					await sleep(between(50, 900));
					child.kill('SIGKILL');
					await once(child, 'close');
					const hub = await again(home, recovered);
					const left = readdirSync(join(home, 'data')).filter(name => name.startsWith('pg') && name !== 'pg');
					if (left.length > 0) faults.push(`left behind: ${left.join()}`);
					const [row] = await query<{n: number}>(hub, 'select count(*)::int as n from messages');
					if (row?.n !== 0) faults.push('the new mailbox is not empty');
				},
				{empty: true},
			);
		}
		return {trials, recovered, faults};
	},
};

const newer: Fault = {
	what: 'a data directory of a newer version',
	trials: 1,
	run: trials =>
		inHome(async home => {
			const faults: string[] = [];
			const hub = await start(home);
			await query(hub, "insert into agentmux.migrations (version) values ('29991231000000')");
			await hub.stop({keep: true});
			const refused = async (part: string): Promise<void> => {
				const said = await ensureHub(placesIn(home)).then(
					() => 'it started',
					(error: unknown) => String(error),
				);
				if (!said.includes(part)) faults.push(`it said: ${said}`);
			};
			await refused('was made by a newer agentmux');
			writeFileSync(join(home, 'data/pg/PG_VERSION'), '99\n');
			await refused('is of PostgreSQL 99, but this agentmux uses 18');
			return {trials, recovered: [], faults};
		}),
};

const restore: Fault = {
	what: 'SIGKILL of `hub restore` at any moment',
	trials: 1,
	longTrials: 10,
	run: trials =>
		inHome(async home => {
			const writers = new Writers();
			const faults: string[] = [];
			const recovered: number[] = [];
			const file = join(home, 'backup.tar.gz');
			const env = {...process.env, AGENTMUX_HOME: home};
			const hub = await ensureHub(placesIn(home));
			const asTest = {url: hub.url, serviceRoleKey: hub.service_role_key} as TestHub;
			writers.start(asTest);
			await sleep(300);
			// A backup in which there is nothing would show nothing.
			while (writers.acknowledged === 0) await sleep(20);
			execFileSync(process.execPath, [cli, 'hub', 'backup', file], {env, stdio: 'ignore'});
			await writers.stop();
			let here = writers.acknowledged;
			const begun = performance.now();
			execFileSync(process.execPath, [cli, 'hub', 'restore', file], {env, stdio: 'ignore'});
			const whole = performance.now() - begun;
			for (let trial = 0; trial < trials; trial += 1) {
				const child = spawn(process.execPath, [cli, 'hub', 'restore', file], {env, stdio: 'ignore'});
				await sleep(between(whole * 0.3, whole * 0.95));
				child.kill('SIGKILL');
				if (child.exitCode === null) await once(child, 'close');
				const at = performance.now();
				const now = await ensureHub(placesIn(home));
				recovered.push(performance.now() - at);
				const current = {url: now.url, serviceRoleKey: now.service_role_key} as TestHub;
				const [row] = await query<{n: number}>(current, 'select count(*)::int as n from messages');
				// Either all that was there, or the backup, which has less; never an empty or broken one.
				if (row === undefined || row.n === 0 || row.n > here)
					faults.push(`${row?.n} messages instead of ${here} or fewer`);
				here = row?.n ?? 0;
				if (!existsSync(join(home, 'data/pg/PG_VERSION'))) faults.push('the data directory is gone');
			}
			return {trials, recovered, faults};
		}),
};

/** What befalls the hub and its disk. */
export const storage: readonly Fault[] = [killed, cut, control, full, second, stale, interrupted, newer, restore];
