import {execFileSync} from 'node:child_process';
import {rmSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {stopHub} from '../../source/hub/process/ensure.ts';
import {findHub} from '../../source/hub/process/find.ts';
import {transportTo} from '../../source/hub/local/transport.ts';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {hear, type Heard} from '../helpers/hear.ts';
import {placesIn, startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';
import {startBadNetwork, type BadNetwork} from './bad-network.ts';
import type {Fault, Outcome} from './faults.ts';

/** What a network does to the connections of a hub to its PostgreSQL: late, in pieces, gone. */
const kinds = ['delay', 'delay', 'delay', 'stall', 'cut', 'reset'] as const;
const seconds = 60_000;

/** A machine of its own, as far as this one can play it: a network namespace behind a cable, or a process behind a relay. */
interface Machine {
	readonly hub: TestHub;
	/** Between its hub and the database. */
	readonly network: BadNetwork;
	readonly mailbox: Mailbox;
	readonly heard: Heard;
	/** Nothing comes through, and no errors are reported. */
	partition(): void;
	mend(): void;
	stop(): Promise<void>;
}

/** A cable to a namespace in which nothing else is. */
interface Cable {
	readonly within: readonly string[];
	/** The address of this end. */
	readonly host: string;
	set(state: 'up' | 'down'): void;
	remove(): void;
}

const ip = (...args: readonly string[]): void => {
	execFileSync('ip', args, {stdio: 'ignore'});
};

/** Null where this machine does not permit namespaces. Both ends are gone with `remove`. */
function layCable(number: number): Cable | null {
	const name = `agentmux-${process.pid}-${number}`;
	const [near, far] = [`amux${process.pid % 100_000}n${number}`, `amux${process.pid % 100_000}f${number}`];
	const host = `10.251.${process.pid % 250}.${number * 4 + 1}`;
	const other = `10.251.${process.pid % 250}.${number * 4 + 2}`;
	const remove = (): void => {
		try {
			// The cable goes with it.
			ip('netns', 'del', name);
		} catch {
			// It was never there.
		}
	};
	try {
		ip('netns', 'add', name);
		ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
		ip('addr', 'add', `${host}/30`, 'dev', near);
		ip('link', 'set', near, 'up');
		ip('-n', name, 'link', 'set', 'lo', 'up');
		ip('-n', name, 'addr', 'add', `${other}/30`, 'dev', far);
		ip('-n', name, 'link', 'set', far, 'up');
	} catch {
		remove();
		return null;
	}
	return {
		within: ['ip', 'netns', 'exec', name],
		host,
		set: state => ip('link', 'set', near, state),
		remove,
	};
}

async function startMachine(number: number, database: string, cable: Cable | null): Promise<Machine> {
	const home = temporaryHome();
	const network = await startBadNetwork(Number(new URL(database).port), {
		seed: number,
		kinds,
		host: cable?.host ?? '127.0.0.1',
	});
	const url = new URL(database);
	url.host = new URL(network.url).host;
	const env = {AGENTMUX_DATABASE_URL: url.href};
	const stopAll = async (): Promise<void> => {
		network.stop();
		cable?.set('up');
		await stopHub(placesIn(home)).catch(() => null);
		rmSync(home, {recursive: true, force: true, maxRetries: 5});
	};
	try {
		const hub = await startTestHub({home, cli, env, ...(cable === null ? {} : {within: cable.within})});
		const found = await findHub(hub.paths);
		if (found === null) throw new Error('The hub does not answer.');
		const tag = `MACHINE_${number}`;
		const mailbox = connectMailbox({
			url: hub.url,
			key: hub.anonKey,
			token: hub.tokenFor(tag),
			transport: transportTo(found),
		});
		const heard = hear(mailbox);
		await heard.live();
		return {
			hub,
			network,
			mailbox,
			heard,
			partition: () => (cable === null ? network.cutOff() : cable.set('down')),
			mend() {
				cable?.set('up');
				network.calm();
			},
			async stop() {
				heard.stop();
				await mailbox.close();
				await hub.stop({keep: true});
				await stopAll();
			},
		};
	} catch (error) {
		await stopAll();
		throw error;
	}
}

/** Writes one after the other until told to stop, each again under its key until it is answered; resolves with what was. */
async function write({mailbox}: Machine, name: string, stopped: () => boolean): Promise<string[]> {
	const done: string[] = [];
	for (let nth = 0; !stopped(); nth += 1) {
		const client_id = crypto.randomUUID();
		const draft = {content: `[MACHINE_${name}] ${nth} ${client_id}`, client_id};
		let stored = false;
		while (!stored) {
			stored = await mailbox.post(draft).then(
				() => true,
				() => false,
			);
		}
		done.push(draft.content);
	}
	return done;
}

/** Each machine's network is late, then the cable to one of them is pulled, and put back; both write all the time. */
async function apart(trials: number): Promise<Outcome> {
	const cables = [layCable(1), layCable(2)];
	const isNamespace = cables.every(cable => cable !== null);
	const server = await startPostgres();
	const machines: Machine[] = [];
	try {
		for (const [at, cable] of cables.entries()) {
			machines.push(await startMachine(at + 1, server.connectionString, isNamespace ? cable : null));
		}
		const recovered: number[] = [];
		const acknowledged: string[] = [];
		for (let trial = 0; trial < trials; trial += 1) {
			let stopped = false;
			const writing = machines.map((machine, at) => write(machine, `${at + 1}`, () => stopped));
			for (const {network} of machines) network.harm();
			await sleep(2000);
			const cutOff = machines[trial % 2]!;
			cutOff.partition();
			await sleep(3000);
			const at = performance.now();
			for (const machine of machines) machine.mend();
			const before = cutOff.heard.messages.length;
			await cutOff.heard.until(() => cutOff.heard.messages.length > before, 2 * seconds);
			recovered.push(performance.now() - at);
			stopped = true;
			acknowledged.push(...(await Promise.all(writing)).flat());
		}
		const faults: string[] = [];
		let lost = 0;
		let duplicated = 0;
		for (const {heard} of machines) {
			const all = (): boolean => acknowledged.every(content => heard.contents.includes(content));
			await heard.until(all, 2 * seconds).catch((error: unknown) => faults.push(String(error).slice(0, 300)));
			lost += acknowledged.filter(content => !heard.contents.includes(content)).length;
			duplicated += heard.messages.length - new Set(heard.messages.map(({id}) => id)).size;
		}
		const remark = isNamespace
			? 'network namespaces; delay and loss by a relay'
			: 'by a relay: this machine permits no namespaces';
		return {trials, recovered, acknowledged: acknowledged.length, lost, duplicated, faults, remark};
	} finally {
		await Promise.all(machines.map(machine => machine.stop()));
		await server.stop();
		for (const cable of cables) cable?.remove();
	}
}

/** What befalls a team on one PostgreSQL. */
export const machines: readonly Fault[] = [
	{
		what: 'two machines on one PostgreSQL: delay, loss, a partition',
		engine: 'postgres',
		long: true,
		trials: 5,
		seconds: 60,
		run: apart,
	},
];
