import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {owner} from '../source/hub/schema/bootstrap.ts';
import {PgliteDatabase, startParams} from '../source/hub/pglite/pglite.ts';
import {agentmux, cli, freshHome, median, ms, pause, type Figure} from './measure.ts';
import {fill} from './search.ts';

const rounds = 9;
const goal = 1.2;

/** Opens the data directory with PGlite alone, and says so as soon as it answers; ends when stdin does. */
const reopen = `
	import {PGlite} from ${JSON.stringify(import.meta.resolve('@electric-sql/pglite'))};
	const [dataDir, startParams] = process.argv.slice(1);
	const database = await PGlite.create({dataDir, startParams: JSON.parse(startParams)});
	await database.query('select 1');
	process.stdout.write('ready');
	process.stdin.resume().on('end', async () => {
		await database.close();
		process.exit();
	});
`;

/** From the start of the hub's process until it answers, with a history of that many messages; floor: PGlite alone opens the same files. */
export async function hubStart(messages: number): Promise<Figure> {
	const {home, env, remove} = freshHome();
	const directory = path.join(home, 'data/pg');
	agentmux(env, 'hub', 'start');
	agentmux(env, 'hub', 'stop');
	const database = await PgliteDatabase.open({directory});
	try {
		await fill({script: async sql => void (await database.script(owner, sql))}, messages);
	} finally {
		await database.close();
	}
	const [floors, starts]: [number[], number[]] = [[], []];
	for (let round = -1; round < rounds; round += 1) {
		const floor = await reopened(directory);
		const start = await started(home, env);
		// The first of each warms the file cache and the cache of compiled code, and is not counted.
		if (round < 0) continue;
		floors.push(floor);
		starts.push(start);
	}
	remove();
	const ratio = median(starts) / median(floors);
	return {
		what: `start of the hub with ${messages.toLocaleString('en')} messages`,
		measured: `${ms(median(starts))} = ${ratio.toFixed(2)} × floor`,
		floor: `PGlite opens the same data directory: ${ms(median(floors))}`,
		goal: `≤ ${goal} × floor`,
		met: ratio <= goal,
	};
}

async function reopened(directory: string): Promise<number> {
	const begin = performance.now();
	const words = ['--input-type=module', '-e', reopen, directory, JSON.stringify(startParams)];
	const child = spawn(process.execPath, words, {stdio: ['pipe', 'pipe', 'inherit']});
	await once(child.stdout, 'data');
	const time = performance.now() - begin;
	child.stdin.end();
	await ended(child);
	return time;
}

async function started(home: string, env: NodeJS.ProcessEnv): Promise<number> {
	const state = path.join(home, 'state/hub.json');
	rmSync(state, {force: true});
	const begin = performance.now();
	const child = spawn(process.execPath, [cli, 'hub', 'run'], {env, stdio: ['ignore', 'ignore', 'inherit']});
	while (!answers(state)) {
		if (child.exitCode !== null) throw new Error('the hub ended');
		await pause(2);
	}
	const time = performance.now() - begin;
	child.kill('SIGTERM');
	await ended(child);
	return time;
}

/** Whether the hub has written its address, which it does when it listens. */
function answers(state: string): boolean {
	try {
		return typeof (JSON.parse(readFileSync(state, 'utf8')) as {url: string | null}).url === 'string';
	} catch {
		return false;
	}
}

async function ended(child: ChildProcess): Promise<void> {
	if (child.exitCode === null) await once(child, 'exit');
	if (child.exitCode !== 0) throw new Error(`it ended with ${child.exitCode}`);
}
