import {setTimeout as sleep} from 'node:timers/promises';
import type {TestHub} from '../helpers/hub.ts';
import {startBadNetwork, type BadNetwork} from './bad-network.ts';
import type {Outcome} from './faults.ts';
import {followByMcp, followByStore, followByTail, type Follower} from './followers.ts';
import {onEngine, type Engine} from './on-engine.ts';
import {query, Writers, type Address} from './writers.ts';

/** Milliseconds in which nobody was shown any more until the rest is lost. */
const timeout = 120_000;
/** The agent whose mail its MCP server hands over. */
export const reader = 'FOLLOWER';

/** A hub, writers, and three followers behind a network that works until it is told to interfere. */
export interface Stage {
	/** The hub as it is now, without the network. */
	readonly hub: TestHub;
	readonly network: BadNetwork;
	/** The hub behind the network. */
	readonly there: Address;
	readonly writers: Writers;
	/** Milliseconds that it took to come back, each time. */
	readonly recovered: number[];
	/** Kills the hub and starts it again. */
	readonly kill: () => Promise<void>;
}

interface Play {
	readonly engine: Engine;
	readonly trials: number;
	/** A message, which begins with its key; by default for the reader. */
	readonly text?: (key: string) => string;
	/** One trial. The writers are stopped and the network is calm when it ends. */
	readonly trouble: (stage: Stage) => Promise<void>;
}

/**
 * Makes trouble while messages are written and a tail, the screen's store and an agent's MCP server follow; then every
 * committed message has to have come to each of them. `lost` and `duplicated` count the table and all followers.
 */
export function whileFollowed({engine, trials, text = key => `${key} @${reader}`, trouble}: Play): Promise<Outcome> {
	return onEngine(engine, async (start, home) => {
		let hub = await start();
		const network = await startBadNetwork(Number(new URL(hub.url).port), {seed: 1});
		const there = {url: network.url, serviceRoleKey: hub.serviceRoleKey};
		const recovered: number[] = [];
		const writers = new Writers({text, timeout: 3000});
		const stage: Stage = {
			get hub() {
				return hub;
			},
			network,
			there,
			writers,
			recovered,
			async kill() {
				await hub.kill();
				const at = performance.now();
				hub = await start();
				recovered.push(performance.now() - at);
			},
		};
		// So that each of them has something to begin with.
		await query(hub, `insert into messages (content) values ('[FIRST] this is the first @${reader}')`);
		const followers = await Promise.all([
			followByTail(home, there),
			followByStore(there),
			followByMcp(home, there, reader),
		]);
		try {
			for (let trial = 0; trial < trials; trial += 1) await trouble(stage);
			const found = await writers.find(hub);
			const shown = await countShown(hub, followers);
			const fates = [...network.fates].map(([kind, count]) => `${count} ${kind}`).sort();
			const remarks = [...(fates.length > 0 ? [`connections: ${fates.join(', ')}`] : []), ...shown.remarks];
			return {
				trials,
				recovered,
				acknowledged: found.acknowledged,
				lost: found.lost + shown.lost,
				duplicated: found.duplicated + shown.duplicated,
				faults: shown.faults,
				...(remarks.length > 0 ? {remark: remarks.join('; ')} : {}),
			};
		} finally {
			await writers.stop();
			network.stop();
			await Promise.all(followers.map(follower => follower.stop()));
		}
	});
}

interface Shown {
	lost: number;
	duplicated: number;
	readonly faults: string[];
	readonly remarks: string[];
}

/** Waits until every follower was shown every committed message, and the one that is written after all others. */
async function countShown(hub: Address, followers: readonly Follower[]): Promise<Shown> {
	await query(hub, `insert into messages (content) values ('[LAST] that was all @${reader}')`);
	const rows = await query<{id: number; is_mail: boolean}>(
		hub,
		`select id, mentions = '{}' or mentions @> '{${reader}}' as is_mail from messages order by xid, id`,
	);
	const place = new Map(rows.map(({id}, index) => [id, index]));
	const mail = new Set(rows.filter(({is_mail}) => is_mail).map(({id}) => id));
	const meantFor = ({kind}: Follower) => (kind === 'mail' ? mail : place);
	const missing = (follower: Follower): number => {
		const meant = meantFor(follower);
		return meant.size - new Set(follower.shown.filter(id => meant.has(id))).size;
	};
	const left = (): number => followers.reduce((sum, each) => sum + missing(each), 0);
	for (let [before, at] = [Infinity, Date.now()]; before > 0 && Date.now() < at + timeout; await sleep(100)) {
		const now = left();
		if (now < before) [before, at] = [now, Date.now()];
	}
	const result: Shown = {lost: 0, duplicated: 0, faults: [], remarks: []};
	for (const follower of followers) {
		const {name, kind, shown, troubles} = follower;
		const gone = missing(follower);
		const twice = shown.length - new Set(shown).size;
		result.lost += gone;
		if (gone > 0) result.faults.push(`the ${name} was not shown ${gone} of ${meantFor(follower).size}`);
		result.faults.push(...troubles);
		// A hand-over happens at least once: what is counted twice there is none of the mailbox's messages.
		if (kind === 'mail' && twice > 0) result.remarks.push(`${twice} handed over again by the ${name}`);
		if (kind !== 'mail') result.duplicated += twice;
		const early = shown.filter((id, at) => (place.get(id) ?? 0) < (place.get(shown[at - 1] ?? 0) ?? 0)).length;
		if (kind === 'stream' && early > 0) result.remarks.push(`${early} came to the ${name} after a later one`);
	}
	return result;
}
