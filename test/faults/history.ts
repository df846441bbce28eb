import {spawn} from 'node:child_process';
import {cpSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {ensureHub, stopHub} from '../../source/hub/process/ensure.ts';
import {hear, type Heard} from '../helpers/hear.ts';
import {whileStopped} from '../helpers/hub-stopped.ts';
import {startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';
import type {Fault, Outcome} from './faults.ts';
import {query} from './writers.ts';
import {onLine} from './lines.ts';

/** A database that can be copied, and go on from that copy as if nothing had been written since. */
interface Rewound {
	readonly hub: () => TestHub;
	copy(): Promise<void>;
	putBack(): Promise<void>;
	end(): Promise<void>;
}

const between = (from: number, to: number): number => Math.round(from + Math.random() * (to - from));

async function embedded(): Promise<Rewound> {
	const home = temporaryHome();
	const [pg, copied] = [join(home, 'data', 'pg'), join(home, 'copy')];
	const first = await startTestHub({home, cli});
	let hub: TestHub = first;
	// By hand, with the hub ended in whatever way.
	const exchange = async (from: string, to: string): Promise<void> => {
		if (Math.random() < 0.5) process.kill(hub.pid, 'SIGKILL');
		await whileStopped(hub.paths, () => {
			rmSync(to, {recursive: true, force: true});
			cpSync(from, to, {recursive: true});
		});
		const {pid, url} = await ensureHub(hub.paths);
		hub = {...first, pid, url};
	};
	return {
		hub: () => hub,
		copy: () => exchange(pg, copied),
		putBack: () => exchange(copied, pg),
		async end() {
			await stopHub(hub.paths);
			await first.stop();
		},
	};
}

async function onServer(asStandby: boolean): Promise<Rewound> {
	const server = await startPostgres();
	const hub = await startTestHub({cli, env: {AGENTMUX_DATABASE_URL: server.connectionString}});
	return {
		hub: () => hub,
		async copy() {
			await server.crash();
			server.copyFiles();
			await server.resume();
		},
		async putBack() {
			await server.crash();
			server.putBack({asStandby});
			await server.resume();
			if (asStandby) await server.promote();
		},
		async end() {
			await hub.stop();
			await server.stop();
		},
	};
}

/** Writes one message after another, each as often as it takes, and resolves with their texts. */
async function write(hub: TestHub, word: string, count: number): Promise<string[]> {
	const texts = Array.from({length: count}, (_, n) => `[W] ${word} ${n}`);
	for (const text of texts) {
		const insert = `insert into messages (content, client_id) values ('${text}', gen_random_uuid())`;
		while (
			!(await query(hub, insert).then(
				() => true,
				() => false,
			))
		);
	}
	return texts;
}

interface Follower {
	readonly name: string;
	readonly told: () => readonly string[];
	readonly replaced: () => number;
	end(): unknown;
}

function listening(hub: TestHub): Follower & {readonly heard: Heard} {
	const mailbox = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor('READER')});
	const heard = hear(mailbox);
	const [told, replaced] = [(): string[] => heard.contents, (): number => heard.replaced.length];
	return {name: 'a subscription', heard, told, replaced, end: () => mailbox.close()};
}

function tailing({home}: TestHub): Follower {
	const args = [cli, 'tail', '--follow', '--json', '--lines', '0'];
	const child = spawn(process.execPath, args, {env: {...process.env, AGENTMUX_HOME: home}});
	const told: string[] = [];
	let said = '';
	onLine(child.stdout, line => told.push((JSON.parse(line) as {content: string}).content));
	child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
	const replaced = (): number => said.split('History was replaced').length - 1;
	return {name: 'tail', told: () => told, replaced, end: () => child.kill()};
}

async function until(condition: () => boolean, milliseconds = 60_000): Promise<boolean> {
	for (const end = performance.now() + milliseconds; performance.now() < end;) {
		if (condition()) return true;
		await new Promise(resolve => {
			setTimeout(resolve, 20);
		});
	}
	return condition();
}

async function rewound(trials: number, open: () => Promise<Rewound>): Promise<Outcome> {
	const faults: string[] = [];
	const recovered: number[] = [];
	const total = {acknowledged: 0, lost: 0, duplicated: 0};
	const database = await open();
	const followers: Follower[] = [];
	try {
		await write(database.hub(), 'from the start', 5);
		const subscription = listening(database.hub());
		followers.push(subscription, tailing(database.hub()));
		await subscription.heard.live();
		// What a follower that is starting prints is its own affair: from the first message that both have.
		let before: string[] = [];
		for (let n = 0; !followers.every(({told}) => told().includes(before.at(-1) ?? '')); n += 1) {
			before = await write(database.hub(), `both follow ${n}`, 1);
			await until(() => followers.every(({told}) => told().includes(before[0] ?? '')), 1000);
		}
		const from = followers.map(({told}) => told().length);
		const written: string[] = [];
		for (let trial = 0; trial < trials; trial += 1) {
			await database.copy();
			const lost = await write(database.hub(), `${trial} lost`, between(1, 200));
			await until(() => followers.every(({told}) => told().includes(lost.at(-1) ?? '')));
			await database.putBack();
			const at = performance.now();
			const fresh = await write(database.hub(), `${trial} new`, between(1, 300));
			await until(() => followers.every(({told}) => told().includes(fresh.at(-1) ?? '')));
			recovered.push(performance.now() - at);
			written.push(...lost, ...fresh);
		}
		for (const [index, {name, told, replaced}] of followers.entries()) {
			const shown = told().slice(from[index]);
			const counts = new Map<string, number>();
			for (const text of shown) counts.set(text, (counts.get(text) ?? 0) + 1);
			total.acknowledged += written.length;
			total.lost += written.filter(text => !counts.has(text)).length;
			total.duplicated += [...counts.values()].filter(count => count > 1).length;
			await until(() => replaced() >= trials, 20_000);
			if (replaced() !== trials) faults.push(`${name} said ${replaced()} times that history was replaced`);
		}
		return {trials, recovered, faults, ...total, remark: `shown by ${followers.map(({name}) => name).join(' and ')}`};
	} finally {
		for (const follower of followers) await follower.end();
		await database.end();
	}
}

const copied: Fault = {
	what: 'an older copy of the data is put back, followers go on',
	engine: 'pglite',
	trials: 1,
	longTrials: 3,
	seconds: 18,
	run: trials => rewound(trials, embedded),
};

const files: Fault = {
	what: 'a PostgreSQL whose files are put back, followers go on',
	engine: 'postgres',
	long: true,
	trials: 3,
	seconds: 15,
	run: trials => rewound(trials, () => onServer(false)),
};

const promoted: Fault = {
	what: 'a standby is promoted that lacks the last messages',
	engine: 'postgres',
	trials: 1,
	longTrials: 3,
	seconds: 15,
	run: trials => rewound(trials, () => onServer(true)),
};

export const historyFaults: readonly Fault[] = [copied, files, promoted];
