import {globSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';
import {cli} from '../helpers/program.ts';
import {startBadNetwork, type BadNetwork} from './bad-network.ts';
import type {Fault, Outcome} from './faults.ts';
import {onEngine} from './on-engine.ts';
import {query, type Address} from './writers.ts';

/** How many messages the human writes while the hub is away, half of them before the screen is killed. */
const count = 8;

function openScreen(home: string, {url, serviceRoleKey}: Address): TestTerminal {
	const env = {AGENTMUX_HOME: home, SUPABASE_URL: url, SUPABASE_SECRET_KEY: serviceRoleKey};
	return spawn([process.execPath, cli], {cols: 120, rows: 50, env});
}

/** What the human has written and the screen keeps until it is sent, on the disk. */
function kept(home: string): string {
	const folder = path.join(home, 'state/compose');
	return globSync('*/unsent/*.json', {cwd: folder})
		.map(name => readIfThere(path.join(folder, name)))
		.join('');
}

/** A file that the screen may be removing. */
function readIfThere(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return '';
	}
}

/** Resolves when that is so; rejects with the screen when it never is. */
async function until(screen: TestTerminal, holds: () => boolean): Promise<void> {
	for (const deadline = Date.now() + 120_000; !holds(); await sleep(20)) {
		if (Date.now() > deadline) throw new Error(`It never held: ${String(holds)}\n${screen.text()}`);
	}
}

/** Writes each into the compose line and sends it, and waits until it is kept as unsent. */
async function write(home: string, screen: TestTerminal, texts: readonly string[]): Promise<void> {
	for (const text of texts) {
		screen.write(text);
		await screen.waitFor(text);
		screen.write('\r');
		await until(screen, () => kept(home).includes(`${text}","client_id"`));
	}
}

async function writtenOffline(home: string, there: Address, network: BadNetwork, trial: number): Promise<string[]> {
	const texts = Array.from({length: count}, (_, at) => `words ${trial}-${at} written offline`);
	let screen = openScreen(home, there);
	try {
		await screen.waitFor('live', 60_000);
		screen.write('c');
		network.cutOff();
		await screen.waitFor(/offline|retry/i);
		await write(home, screen, texts.slice(0, count / 2));
		screen.kill('SIGKILL');
		await screen.exited;
		screen = openScreen(home, there);
		await screen.waitFor('unsent', 60_000);
		screen.write('c');
		await write(home, screen, texts.slice(count / 2));
		// Some get through a network that is only half there, too.
		network.harm();
		await sleep(1000);
		network.calm();
		await until(screen, () => texts.every(text => !kept(home).includes(text)));
	} finally {
		screen.kill('SIGKILL');
		await screen.exited;
	}
	return texts;
}

const offline: Fault = {
	what: 'the human writes while the hub is away, and the screen is killed',
	trials: 1,
	longTrials: 6,
	run: trials =>
		onEngine('pglite', async (start, home): Promise<Outcome> => {
			const hub = await start();
			const faults: string[] = [];
			const total = {acknowledged: 0, lost: 0, duplicated: 0};
			for (let trial = 0; trial < trials; trial += 1) {
				const network = await startBadNetwork(Number(new URL(hub.url).port), {seed: trial});
				try {
					const there = {url: network.url, serviceRoleKey: hub.serviceRoleKey};
					const texts = await writtenOffline(home, there, network, trial);
					const rows = await query<{body: string}>(
						hub,
						`select body from messages where body like 'words ${trial}-%' order by id`,
					);
					const stored = rows.map(({body}) => body);
					total.acknowledged += texts.length;
					total.lost += texts.filter(text => !stored.includes(text)).length;
					total.duplicated += stored.length - new Set(stored).size;
					if (stored.join() !== texts.join()) faults.push(`they stand there as ${stored.join(', ')}`);
				} finally {
					network.stop();
				}
			}
			return {trials, recovered: [], faults, ...total};
		}),
};

/** What befalls what a human writes. */
export const offlineWords: readonly Fault[] = [offline];
