import {setTimeout as sleep} from 'node:timers/promises';
import type {TestHub} from '../helpers/hub.ts';
import type {Fault, Outcome} from './faults.ts';
import {often, onEngine, type Engine} from './on-engine.ts';
import {ask, longest, Peer, sql, type Answer} from './peer.ts';

/** Milliseconds that a query of the owner may delay a small request, with tolerance for a busy machine. */
const answered = 7000;

const onHub = (engine: Engine, work: (hub: TestHub) => Promise<Outcome>): Promise<Outcome> =>
	onEngine(engine, async start => work(await start()));

const words = Array.from({length: 4000}, (_, index) => `@w${index}`).join(' ');

/** What an agent may ask, each kind of which took all of its time. */
const bombs: readonly ((hub: TestHub, token: string) => Promise<Answer>)[] = [
	(hub, token) => sql(hub, token, 'select count(*) from generate_series(1, 100000000000)'),
	(hub, token) => sql(hub, token, 'select pg_sleep(30)'),
	(hub, token) =>
		sql(hub, token, 'with recursive r (n) as (select 1 union all select n + 1 from r) select max(n) from r'),
	(hub, token) => sql(hub, token, "select repeat('x', 1000000) from generate_series(1, 3000)"),
	(hub, token) =>
		ask(
			hub,
			token,
			'/rest/v1/messages',
			Array.from({length: 200}, () => ({content: `[BOMBER] ${words} ${'@a '.repeat(8000)}`})),
		),
];

/** Throws every bomb, each several times at once and then again. */
function besideBombs(engine: Engine, trials: number): Promise<Outcome> {
	return onHub(engine, async hub => {
		const faults: string[] = [];
		const peer = new Peer(hub);
		const token = hub.tokenFor('BOMBER');
		await peer.beside(sleep(1000));
		const idle = peer.slowest;
		let slowest = 0;
		for (let trial = 0; trial < trials; trial += 1) {
			for (const bomb of bombs) {
				const beside = new Peer(hub);
				const thrown = Promise.all(Array.from({length: 3}, () => bomb(hub, token)));
				await beside.beside(thrown);
				slowest = Math.max(slowest, beside.slowest);
				faults.push(...beside.refusals);
				for (const {status, text} of await thrown) {
					if (status >= 300 && !/54000|57014|PT429/.test(text))
						faults.push(`a bomb was answered ${status} ${text.slice(0, 200)}`);
				}
			}
		}
		if (slowest > longest + idle) faults.push(`a peer waited ${Math.round(slowest)} ms`);
		return {trials, recovered: [], faults, remark: said(idle, slowest)};
	});
}

/** An agent's transaction holds what others need: the turn of the tasks. */
function besideLocks(trials: number): Promise<Outcome> {
	return onHub('postgres', async hub => {
		const faults: string[] = [];
		const [holder, peer] = [hub.tokenFor('HOLDER'), hub.tokenFor('PEER')];
		const add = async (body: object): Promise<number> => {
			const {text} = await ask(hub, peer, '/rest/v1/rpc/task_add', body);
			const rows = [JSON.parse(text)].flat() as {readonly id?: number}[];
			if (rows[0]?.id === undefined) throw new Error(text);
			return rows[0].id;
		};
		await sql(hub, holder, 'select 1');
		const parent = await add({p_title: 'a plan'});
		const begun = performance.now();
		await add({p_title: 'a step', p_parent_id: parent});
		const idle = performance.now() - begun;
		let slowest = 0;
		for (let trial = 0; trial < trials; trial += 1) {
			const plan = `select id from task_add('of the holder')`;
			const held = sql(
				hub,
				hub.tokenFor(`HOLDER_${trial}`),
				`with plan as (${plan}), step as (select s.id from plan, task_add('a step', p_parent_id => plan.id) as s)
					select pg_sleep(7) from step`,
			);
			await sleep(500);
			const asked = performance.now();
			await add({p_title: 'a step', p_parent_id: parent});
			slowest = Math.max(slowest, performance.now() - asked);
			const {text} = await held;
			// It is refused before it has locked anything that a peer needs.
			if (!text.includes('does nothing else')) faults.push(`the holder was answered ${text.slice(0, 200)}`);
		}
		if (slowest > longest + idle) faults.push(`a peer waited ${Math.round(slowest)} ms`);
		return {trials, recovered: [], faults, remark: said(idle, slowest)};
	});
}

/** The owner's query takes long: PGlite has one session, so it is cancelled for those who wait, and they are served. */
function besideOwner(trials: number): Promise<Outcome> {
	return onHub('pglite', async hub => {
		const faults: string[] = [];
		let slowest = 0;
		await new Peer(hub).round();
		for (let trial = 0; trial < trials; trial += 1) {
			const held = sql(hub, hub.serviceRoleKey, 'select pg_sleep(60)');
			await sleep(500);
			const begun = performance.now();
			const {status, text} = await ask(hub, hub.tokenFor('PEER'), '/rest/v1/messages', {content: '[PEER] hello'});
			slowest = Math.max(slowest, performance.now() - begun);
			if (status !== 201) faults.push(`who waited was answered ${status} ${text}`);
			const late = await held;
			if (!late.text.includes('57014')) faults.push(`the owner was answered ${late.status} ${late.text}`);
		}
		if (slowest > answered) faults.push(`who waited was answered after ${Math.round(slowest)} ms`);
		return {trials, recovered: [], faults, remark: `answered after ${Math.round(slowest)} ms`};
	});
}

/** Seven statements of the owner wait for a lock that an eighth holds, more than there are connections. */
function besideWaiting(trials: number): Promise<Outcome> {
	return onHub('postgres', async hub => {
		const faults: string[] = [];
		const owner = hub.serviceRoleKey;
		await sql(hub, owner, 'create table public.held (n int); insert into public.held values (1)');
		const idle = new Peer(hub);
		await idle.beside(sleep(1000));
		let slowest = 0;
		for (let trial = 0; trial < trials; trial += 1) {
			const held = sql(hub, owner, 'begin; update public.held set n = 2; select pg_sleep(8); commit');
			await sleep(500);
			const waiting = Promise.all(Array.from({length: 7}, () => sql(hub, owner, 'update public.held set n = n + 1')));
			const peer = new Peer(hub);
			await peer.beside(waiting);
			slowest = Math.max(slowest, peer.slowest);
			faults.push(...peer.refusals);
			const answers = await waiting;
			const named = answers.filter(({text}) => text.includes('55P03') && text.includes('The lock is held by process'));
			if (named.length === 0) faults.push(`nobody was told who holds the lock: ${answers[0]?.text}`);
			await held;
		}
		if (slowest > longest + idle.slowest) faults.push(`a peer waited ${Math.round(slowest)} ms`);
		return {trials, recovered: [], faults, remark: said(idle.slowest, slowest)};
	});
}

const sessions = 160;

/** Many sessions of one tag, and one session of each of many tags, send heartbeats at the same time. */
function firstSigns(engine: Engine, trials: number): Promise<Outcome> {
	return onHub(engine, async hub => {
		const faults: string[] = [];
		for (let trial = 0; trial < trials; trial += 1) {
			const tag = `MANY_${trial}`;
			const touch = (who: string, session: string): Promise<Answer> =>
				ask(hub, hub.tokenFor(who), '/rest/v1/rpc/agent_touch', {p_session: session});
			const numbers = Array.from({length: sessions}, (_, index) => index);
			const answers = [
				...(await Promise.all(numbers.map(number => touch(tag, `s${number}`)))),
				...(await Promise.all(numbers.map(number => touch(`ONE_${trial}_${number}`, 'only')))),
			];
			const refused = answers.filter(({status}) => status >= 300);
			if (refused.length > 0) faults.push(`${refused.length} were refused: ${refused[0]?.text}`);
			const {text} = await sql(
				hub,
				hub.serviceRoleKey,
				`select sum(sessions)::int as counted from agents where tag = '${tag}' or tag like 'ONE\\_${trial}\\_%'`,
			);
			const expected = JSON.stringify([{counted: 2 * sessions}]);
			if (text !== expected) faults.push(`counted: ${text}`);
		}
		return {trials, recovered: [], faults};
	});
}

function said(idle: number, slowest: number): string {
	return `the slowest of a peer's requests: ${Math.round(slowest)} ms, ${Math.round(idle)} ms when nobody else asked`;
}

const engines = ['pglite', 'postgres'] as const;

/** One slow request never holds the others. */
export const slow: readonly Fault[] = [
	...engines.map((engine): Fault => ({
		what: 'requests of an agent that take all their time',
		engine,
		alone: true,
		...often(engine, 1, 3),
		run: trials => besideBombs(engine, trials),
	})),
	{
		what: "an agent's transaction that holds a lock",
		engine: 'postgres',
		alone: 'waiting',
		trials: 2,
		run: besideLocks,
	},
	{what: 'a long statement of the owner', engine: 'pglite', alone: 'waiting', trials: 1, run: besideOwner},
	{
		what: 'statements of the owner that wait for a lock',
		engine: 'postgres',
		alone: 'waiting',
		trials: 1,
		run: besideWaiting,
	},
	...engines.map((engine): Fault => ({
		what: 'first signs of life of 160 sessions',
		engine,
		...(engine === 'postgres' ? {} : {long: true as const}),
		trials: 1,
		run: trials => firstSigns(engine, trials),
	})),
];
