import {setTimeout as sleep} from 'node:timers/promises';
import type {Fault, Outcome} from './faults.ts';
import {reader, whileFollowed, type Stage} from './followed.ts';
import type {Engine} from './on-engine.ts';
import {query} from './writers.ts';

interface Size {
	readonly writers: number;
	/** Of trouble, in a trial. */
	readonly seconds: number;
	/** How often the hub is killed in that time. */
	readonly kills: number;
}

const harmed =
	({writers: clients, seconds, kills}: Size) =>
	async ({network, writers, there, kill}: Stage): Promise<void> => {
		network.harm();
		writers.start(there, clients);
		for (let killed = 0; killed < kills; killed += 1) {
			await sleep((seconds * 1000) / (kills + 1));
			await kill();
		}
		await sleep((seconds * 1000) / (kills + 1));
		network.calm();
		await writers.stop();
	};

const short = harmed({writers: 4, seconds: 8, kills: 2});
const long = harmed({writers: 16, seconds: 60, kills: 10});

/** `count` messages of the maximum size while the followers are offline, all of which they must catch up on. */
const large =
	(count: number) =>
	async ({network, writers, hub}: Stage): Promise<void> => {
		network.cutOff();
		const before = writers.acknowledged;
		writers.start(hub, 2);
		while (writers.acknowledged < before + count) await sleep(20);
		await writers.stop();
		network.calm();
	};

/** Every connection of the hub to its PostgreSQL is terminated, that on which it listens among them. */
async function terminated({writers, there, recovered, hub}: Stage): Promise<void> {
	writers.start(there, 4);
	for (let time = 0; time < 3; time += 1) {
		const before = writers.acknowledged;
		while (writers.acknowledged < before + 50) await sleep(20);
		// Its own connection answers, and goes when the next one asks.
		await query(
			hub,
			`select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
		);
		const at = performance.now();
		const then = writers.acknowledged;
		while (writers.acknowledged < then + 5) await sleep(5);
		recovered.push(performance.now() - at);
	}
	await writers.stop();
}

const largest = 262_144;
/** Fills a message up to the largest size, beside its tag, its key and whom it addresses. */
const filling = ` ${'x'.repeat(largest - 60)}`;
/** An agent is handed one such message at a time: a tenth of them takes it as long as the others take for all. */
const forReader = (key: string): boolean => Number.parseInt(key.slice(0, 4), 16) % 10 === 0;
const names = {
	harmed: 'bad network, hub killed: tail, screen and MCP server follow',
	large: 'messages of 262,144 bytes while the followers are away',
	terminated: 'PostgreSQL terminates the hub’s connections, LISTEN too',
} as const;

async function manyLarge(engine: Engine, count: number): Promise<Outcome> {
	const outcome = await whileFollowed({
		engine,
		trials: 1,
		text: key => `${key} @${forReader(key) ? reader : 'OTHER'}${filling}`,
		trouble: large(count),
	});
	return {...outcome, trials: count};
}

/** What networks do to those who follow a mailbox. */
export const network: readonly Fault[] = [
	{
		what: names.harmed,
		trials: 1,
		seconds: 35,
		run: trials => whileFollowed({engine: 'pglite', trials, trouble: short}),
	},
	...(['pglite', 'postgres'] as const).flatMap((engine): Fault[] => [
		{
			what: names.harmed,
			engine,
			long: true,
			trials: 1,
			seconds: 150,
			run: trials => whileFollowed({engine, trials, trouble: long}),
		},
		{
			what: names.large,
			engine,
			long: true,
			trials: engine === 'pglite' ? 1000 : 300,
			seconds: 200,
			run: count => manyLarge(engine, count),
		},
	]),
	{
		what: names.terminated,
		engine: 'postgres',
		trials: 1,
		longTrials: 10,
		run: trials => whileFollowed({engine: 'postgres', trials, trouble: terminated}),
	},
];
