import {setTimeout as sleep} from 'node:timers/promises';
import {startBadNetwork} from './bad-network.ts';
import type {Fault, Outcome} from './faults.ts';
import {followByMcp, followByStore, followByTail} from './followers.ts';
import {onEngine, type Engine} from './on-engine.ts';
import {countShown} from './shown.ts';
import {query, Writers} from './writers.ts';

interface Size {
	readonly writers: number;
	/** Of trouble, in a trial. */
	readonly seconds: number;
	/** How often the hub is killed in that time. */
	readonly kills: number;
}

/** Writers and three followers behind a network that harms every connection, and a hub that is killed now and then. */
function throughBadNetwork(engine: Engine, size: Size, trials: number): Promise<Outcome> {
	return onEngine(engine, async (start, home) => {
		let hub = await start();
		const network = await startBadNetwork(Number(new URL(hub.url).port), {seed: 1});
		const reader = 'FOLLOWER';
		const writers = new Writers({text: key => `${key} @${reader}`, timeout: 3000});
		const recovered: number[] = [];
		const there = {url: network.url, serviceRoleKey: hub.serviceRoleKey};
		await query(hub, `insert into messages (content) values ('[WRITER] this is the first @${reader}')`);
		const followers = await Promise.all([
			followByTail(home, there),
			followByStore(there),
			followByMcp(home, there, reader),
		]);
		try {
			for (let trial = 0; trial < trials; trial += 1) {
				network.harm();
				writers.start(there, size.writers);
				for (let kill = 0; kill <= size.kills; kill += 1) {
					await sleep((size.seconds * 1000) / (size.kills + 1));
					if (kill === size.kills) break;
					await hub.kill();
					const at = performance.now();
					hub = await start();
					recovered.push(performance.now() - at);
				}
				network.calm();
				await writers.stop();
			}
			const found = await writers.find(hub);
			const shown = await countShown(hub, followers, reader);
			const fates = [...network.fates].map(([kind, count]) => `${count} ${kind}`).sort();
			return {
				trials,
				recovered,
				acknowledged: found.acknowledged,
				lost: found.lost + shown.lost,
				duplicated: found.duplicated + shown.duplicated,
				faults: shown.faults,
				remark: [`connections: ${fates.join(', ')}`, shown.remark].filter(text => text !== '').join('; '),
			};
		} finally {
			network.stop();
			await Promise.all(followers.map(follower => follower.stop()));
		}
	});
}

const what = 'bad network, hub killed: tail, screen and MCP server follow';
const short: Size = {writers: 4, seconds: 8, kills: 2};
const long: Size = {writers: 16, seconds: 60, kills: 10};

/** What networks do to clients of the hub. */
export const network: readonly Fault[] = (['pglite', 'postgres'] as const).flatMap((engine): Fault[] => [
	{what, engine, trials: 1, run: trials => throughBadNetwork(engine, short, trials)},
	{what, engine, trials: 1, long: true, run: trials => throughBadNetwork(engine, long, trials)},
]);
