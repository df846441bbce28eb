import {setTimeout as sleep} from 'node:timers/promises';
import type {TestHub} from '../helpers/hub.ts';
import type {Fault, Outcome} from './faults.ts';
import {often, onEngine, type Engine} from './on-engine.ts';
import {longest, Peer, sql} from './peer.ts';

/** How many agents ask at the same time, each using all its time; and the milliseconds after which others replace them. */
const crowd = 24;
const crowded = 4000;

/** Asks again and again for what takes long; who was refused takes another tag, as another agent would. */
async function hog(hub: TestHub, name: string, asking: () => boolean): Promise<void> {
	for (let asked = 0; asking(); asked += 1) {
		const statement = asked % 2 === 0 ? 'select pg_sleep(30)' : 'select count(*) from generate_series(1, 100000000000)';
		await sql(hub, hub.tokenFor(`${name}_${asked}`), statement).catch(() => null);
	}
}

/** Agents occupy all slots for their queries, and a peer's mail still works. */
function besideCrowd(engine: Engine, trials: number): Promise<Outcome> {
	return onEngine(engine, async start => {
		const hub = await start();
		const faults: string[] = [];
		const idle = new Peer(hub);
		await idle.beside(sleep(1000));
		const peer = new Peer(hub);
		let asked = 0;
		for (let trial = 0; trial < trials; trial += 1) {
			let over = false;
			const asking = (): boolean => {
				asked += over ? 0 : 1;
				return !over;
			};
			// What they ask last ends with the hub.
			for (let at = 0; at < crowd; at += 1) void hog(hub, `HOG_${trial}_${at}`, asking);
			// Until every place is taken.
			await sleep(300);
			await peer.beside(sleep(crowded));
			over = true;
		}
		faults.push(...new Set(peer.refusals));
		if (peer.slowest > longest + idle.slowest) faults.push(`a peer waited ${Math.round(peer.slowest)} ms`);
		return {
			trials,
			recovered: [],
			faults,
			remark: `beside ${asked} requests of ${crowd} agents at once the slowest of ${peer.waits.length} of a peer: ${Math.round(peer.slowest)} ms, ${Math.round(idle.slowest)} ms when nobody else asked`,
		};
	});
}

/** Mail has a way of its own past what agents ask the database. */
export const lanes: readonly Fault[] = (['pglite', 'postgres'] as const).map(engine => ({
	what: 'agents fill every place, mail goes on',
	engine,
	alone: true,
	...often(engine, 1, 3),
	run: trials => besideCrowd(engine, trials),
}));
