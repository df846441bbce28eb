import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {isDeepStrictEqual} from 'node:util';
import {placeAgent} from '../helpers/hook.ts';
import type {TestHub} from '../helpers/hub.ts';
import {startAgent} from '../helpers/mcp.ts';
import {Agent, isDone, type TaskRow} from './agent.ts';
import type {Fault, Outcome} from './faults.ts';
import {often, onEngine, type Engine} from './on-engine.ts';
import {query, Writers} from './writers.ts';

// What time does to those who hold something for a while: clocks that are set, machines that sleep, answers that come too late.

const hour = 3600;
/** Seconds by which the clock is ahead, one after the other. */
const steps = [-hour, 24 * hour, 0, 400 * 24 * hour, -24 * hour, 0];

/** The ids of its mail that are handed over to it, until there are no more. */
async function mailOf(reader: Agent): Promise<number[]> {
	const ids: number[] = [];
	for (;;) {
		const taken = await reader.call('inbox_take', {p_route: 'test'});
		if ('refused' in taken) throw new Error(taken.refused);
		if (taken.rows.length === 0) return ids;
		const now = taken.rows.map(({id}) => id);
		await reader.call('receipt_deliver', {p_ids: now, p_route: 'test'});
		ids.push(...now);
	}
}

/** Before and after each step of the clock messages are written to everyone and to one, tasks claimed, finished and waited for. */
function clocks(trials: number): Promise<Outcome> {
	return onEngine('pglite', async (start, home) => {
		const file = join(home, 'clock');
		writeFileSync(file, '0');
		const preload = `--import ${new URL('../helpers/set-clock.ts', import.meta.url).href}`;
		const hub = await start({NODE_OPTIONS: preload, AGENTMUX_TEST_CLOCK: file});
		const set = async (seconds: number): Promise<void> => {
			writeFileSync(file, String(seconds * 1000));
			const far = async (): Promise<boolean> => {
				const [row] = await query<{now: number}>(hub, 'select extract(epoch from clock_timestamp())::float8 as now');
				return Math.abs((row?.now ?? 0) - Date.now() / 1000 - seconds) > 60;
			};
			while (await far()) await sleep(20);
		};
		const [reader, owner, other] = ['READER', 'OWNER', 'OTHER'].map(tag => new Agent(tag, () => hub)) as [
			Agent,
			Agent,
			Agent,
		];
		for (const agent of [reader, owner, other]) await agent.call('agent_touch', {p_session: 'one'});
		const faults: string[] = [];
		const writers = new Writers();
		let [sent, lost, duplicated] = [0, 0, 0];
		for (let trial = 0; trial < trials; trial += 1) {
			for (const seconds of steps) {
				const when = `the clock ${seconds / hour} h ahead`;
				writers.start(hub, 2);
				const claimed = await owner.one('task_add', {p_title: 'held'}).then(() => owner.claim(60));
				const waiting = await owner.one('task_add', {p_title: 'waiting'});
				await set(seconds);
				if ((await other.claim(60))?.id !== waiting.id) faults.push(`${when}: what waited is not claimed next`);
				if (claimed === null || !isDone(await owner.finish(claimed))) faults.push(`${when}: a claim was lost`);
				const again = {p_id: waiting.id, p_token: 1, p_ok: false, p_error: 'no luck'};
				await other.call('task_finish', again);
				await writers.stop();
				await sleep(3500);
				const retried = await other.claim(60);
				if (retried?.id !== waiting.id) faults.push(`${when}: what failed is not tried again within 3 s`);
				else await other.finish(retried);
				const rows = await query<{id: number}>(
					hub,
					`insert into messages (content) values ('[SENDER] to everyone'), ('[SENDER] @READER to you') returning id`,
				);
				const mail = await mailOf(reader);
				sent += rows.length;
				lost += rows.filter(({id}) => !mail.includes(id)).length;
				duplicated += mail.length - new Set(mail).size;
				if (rows.some(({id}) => !mail.includes(id))) faults.push(`${when}: mail was not handed over`);
			}
		}
		const found = await writers.find(hub);
		return {
			trials: trials * steps.length,
			recovered: [],
			faults,
			acknowledged: found.acknowledged + sent,
			lost: found.lost + lost,
			duplicated: found.duplicated + duplicated,
		};
	});
}

/** Seconds: a lease, the shortest one that the MCP server knows, and a sleep that is longer. */
const [lease, nap] = [10, 12];

/** The hub sleeps longer than a lease, which costs its owner nothing; then an agent's server does, and comes too late. */
function naps(engine: Engine, trials: number): Promise<Outcome> {
	return onEngine(engine, async (start): Promise<Outcome> => {
		const hub = await start();
		const faults: string[] = [];
		const recovered: number[] = [];
		const writers = new Writers();
		const [owner, other] = [new Agent('OWNER', () => hub), new Agent('OTHER', () => hub)];
		for (let trial = 0; trial < trials; trial += 1) {
			await owner.one('task_add', {p_title: 'held while the machine sleeps'});
			const held = await owner.claim(lease);
			writers.start(hub);
			await sleep(200);
			process.kill(hub.pid, 'SIGSTOP');
			await sleep(nap * 1000);
			process.kill(hub.pid, 'SIGCONT');
			const at = performance.now();
			if ((await other.claim(lease)) !== null) faults.push('the nap of the hub took a task from its owner');
			recovered.push(performance.now() - at);
			const finished = held === null ? null : await owner.finish(held);
			if (finished === null || !isDone(finished))
				faults.push(`after the nap it was answered ${JSON.stringify(finished)}`);
			else if ('rows' in finished && finished.rows[0]?.attempts !== 1) faults.push('the nap counted as an attempt');
			await writers.stop();
			faults.push(...(await sleepingAgent(hub, other, trial)));
		}
		return {trials, recovered, faults, ...(await writers.find(hub))};
	});
}

async function sleepingAgent(hub: TestHub, other: Agent, trial: number): Promise<string[]> {
	const faults: string[] = [];
	const tag = `SLEEPER_${trial}`;
	placeAgent(hub.home, tag, {key: hub.anonKey, token: hub.tokenFor(tag)});
	const {id} = await other.one('task_add', {p_title: 'held by an agent that sleeps'});
	const agent = await startAgent(hub.home, tag);
	try {
		await agent.call('claim_task', {id, lease_seconds: lease});
		process.kill(agent.pid, 'SIGSTOP');
		const taken = await untilClaimed(other, id);
		process.kill(agent.pid, 'SIGCONT');
		const late = await agent.call('finish_task', {id});
		if (taken?.id !== id) faults.push('the task of an agent that sleeps was given to nobody');
		else if (!late.isError) faults.push(`who slept finished what another has: ${late.text}`);
		else if (!isDone(await other.finish(taken))) faults.push('who has it could not finish it');
	} finally {
		process.kill(agent.pid, 'SIGCONT');
		await agent.close();
	}
	return faults;
}

async function untilClaimed(agent: Agent, id: number): Promise<TaskRow | null> {
	for (const end = Date.now() + 60_000; Date.now() < end; await sleep(200)) {
		const task = await agent.claim(60, id);
		if (task !== null) return task;
	}
	return null;
}

/** A worker finishes, the hub is killed at any moment, and the worker says it again: the first that was stored stands. */
function saidTwice(engine: Engine, trials: number): Promise<Outcome> {
	return onEngine(engine, async (start): Promise<Outcome> => {
		let hub = await start();
		const faults: string[] = [];
		const recovered: number[] = [];
		const [owner, other] = [new Agent('OWNER', () => hub), new Agent('OTHER', () => hub)];
		let acknowledged = 0;
		for (let trial = 0; trial < trials; trial += 1) {
			const {id} = await owner.one('task_add', {p_title: 'once'});
			const claim = await owner.claim(60);
			if (claim?.id !== id) throw new Error(`claimed ${JSON.stringify(claim)}`);
			const saying = owner.finish(claim, {said: 'first'}).catch(() => null);
			await sleep(Math.random() * 150);
			await hub.kill();
			const first = await saying;
			const at = performance.now();
			hub = await start();
			recovered.push(performance.now() - at);
			const again = await owner.finish(claim, {said: 'first'});
			const third = await owner.finish(claim, {said: 'first'});
			const changed = await owner.finish(claim, {said: 'something else'});
			if (first !== null) acknowledged += 1;
			if (!isDone(again)) faults.push(`said again, it was answered ${JSON.stringify(again)}`);
			if (first !== null && !isDeepStrictEqual(first, again)) faults.push('said again, it was answered differently');
			if (!isDeepStrictEqual(again, third)) faults.push('said a third time, it was answered differently');
			if (isDone(changed)) faults.push('another outcome was accepted');
			if ((await other.claim(60)) !== null) faults.push('what was finished was claimed again');
			const [row] = await query<{result: unknown}>(hub, `select result from tasks where id = ${id}`);
			if (!isDeepStrictEqual(row?.result, {said: 'first'})) faults.push(`the result is ${JSON.stringify(row?.result)}`);
		}
		return {trials, recovered, faults, remark: `${acknowledged} of ${trials} were answered before the kill`};
	});
}

const engines = ['pglite', 'postgres'] as const;

export const leases: readonly Fault[] = [
	{
		what: 'the clock set back and forward while agents work',
		trials: 1,
		longTrials: 4,
		seconds: 30,
		waits: true,
		run: clocks,
	},
	...engines.flatMap((engine): Fault[] => [
		{
			what: 'the hub, then an agent’s server sleep longer than a lease',
			engine,
			...often(engine, 1, 3),
			seconds: 30,
			waits: true,
			run: trials => naps(engine, trials),
		},
		{
			what: 'a task finished twice with one token, a SIGKILL in between',
			engine,
			...often(engine, 2, 10),
			run: trials => saidTwice(engine, trials),
		},
	]),
];
