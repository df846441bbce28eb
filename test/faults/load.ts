import {setTimeout as sleep} from 'node:timers/promises';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {RunningHub} from '../../source/hub/process/find.ts';
import {transportTo} from '../../source/hub/local/transport.ts';
import {MailboxError} from '../../source/mailbox/error.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {hear} from '../helpers/hear.ts';
import {fire, placeAgent} from '../helpers/hook.ts';
import type {TestHub} from '../helpers/hub.ts';
import {startAgent} from '../helpers/mcp.ts';
import type {Fault, Outcome} from './faults.ts';
import {addressOf, onEngine, type Engine} from './on-engine.ts';
import {query} from './writers.ts';

/** How many there are at once. */
interface Load {
	readonly agents: number;
	/** Clients that share a tag with others, `shared` each. */
	readonly sessions: number;
	/** Subscriptions to Realtime. */
	readonly sockets: number;
	/** Of the agents, those whose mail is handed over by the built hook, and by the built MCP server. */
	readonly hooks: number;
	readonly servers: number;
}

const small: Load = {agents: 30, sessions: 10, sockets: 20, hooks: 2, servers: 1};
const large: Load = {agents: 300, sessions: 100, sockets: 200, hooks: 40, servers: 10};
const shared = 5;
/** Milliseconds until what was not answered is asked again. */
const between = 250;
/** Milliseconds between two looks of one agent, for each agent that there is: thirty looks a second in all, which one core answers. */
const eachPause = 33;
/** Milliseconds until what is not there is lost: a lease runs out after 30 s. */
const timeout = 300_000;

interface Agent {
	readonly tag: string;
	readonly sessions: readonly string[];
	readonly mailbox: Mailbox;
	readonly by: 'gateway' | 'hook' | 'server';
}

/** All of them come, write, read and take their mail in the same moment. Two messages for each agent. */
async function underLoad(engine: Engine, load: Load, trials: number): Promise<Outcome> {
	const faults: string[] = [];
	const total = {acknowledged: 0, lost: 0, duplicated: 0};
	for (let trial = 0; trial < trials; trial += 1) {
		await onEngine(engine, async start => {
			const hub = await start();
			const agents = agentsOf(hub, await addressOf(hub), load);
			const followers = agents.slice(0, load.sockets).map(({tag, mailbox}) => ({tag, heard: hear(mailbox)}));
			try {
				await Promise.all([
					...agents.map(agent => arrive(agent, faults)),
					...followers.map(({heard}) => heard.until(() => heard.phases.at(-1) === 'live', timeout)),
				]);
				faults.push(...(await miscounted(hub, agents)));

				const written = new Map<string, string>();
				const write = async ({tag, mailbox}: Agent, to: string, nth: number): Promise<void> => {
					const body = `${tag} writes ${nth}`;
					const draft = {content: `[${tag}] @${to} ${body}`, client_id: crypto.randomUUID()};
					await patiently(() => mailbox.post(draft)).then(
						() => written.set(body, to),
						(error: unknown) => faults.push(`${tag} could not write: ${String(error)}`),
					);
				};
				const handed = new Map<string, string[]>();
				const writing = Promise.all(
					[1, 2].flatMap(nth =>
						agents.map((agent, place) => write(agent, agents[(place + nth) % agents.length]!.tag, nth)),
					),
				);
				await Promise.all([
					writing,
					...agents.map(agent => read(hub, agent, handed, () => writing, agents.length * eachPause)),
				]);

				for (const [body, to] of written) {
					const times = handed.get(to)?.filter(each => each === body).length ?? 0;
					if (times === 0) total.lost += 1;
					if (times > 1) total.duplicated += 1;
				}
				total.acknowledged += written.size;
				await Promise.all(
					followers.map(async ({tag, heard}) => {
						const heardBodies = (): string[] => heard.messages.flatMap(({body}) => bodiesIn(body));
						await heard
							.until(() => isHeard(written, heardBodies()), timeout)
							.catch(() => faults.push(`the socket of ${tag} heard ${heardBodies().length} of ${written.size}`));
						const twice = heardBodies().length - new Set(heardBodies()).size;
						if (twice > 0) faults.push(`the socket of ${tag} heard ${twice} twice`);
					}),
				);
			} finally {
				for (const {heard} of followers) heard.stop();
				await Promise.all(agents.map(({mailbox}) => mailbox.close()));
				await hub.stop({keep: true});
			}
		});
	}
	return {trials, recovered: [], faults: summed(faults), ...total};
}

function agentsOf(hub: TestHub, address: RunningHub, {agents, sessions, hooks, servers}: Load): Agent[] {
	return Array.from({length: agents}, (_, nth) => {
		const tag = `LOAD_${nth}`;
		const token = hub.tokenFor(tag);
		const isShared = nth < sessions / shared;
		const fromEnd = agents - 1 - nth;
		const by = fromEnd < hooks ? 'hook' : fromEnd < hooks + servers ? 'server' : 'gateway';
		if (by !== 'gateway') placeAgent(hub.home, tag, {key: hub.anonKey, token});
		return {
			tag,
			by,
			sessions: Array.from({length: isShared ? shared : 1}, (_, each) => `${tag}-${each}`),
			mailbox: connectMailbox({url: hub.url, key: hub.anonKey, token, transport: transportTo(address)}),
		};
	});
}

/** The first sign of life of each of its clients. */
async function arrive({tag, sessions, mailbox}: Agent, faults: string[]): Promise<void> {
	await Promise.all(
		sessions.map(session =>
			patiently(() => mailbox.touch({session, presence: 'idle'})).catch((error: unknown) =>
				faults.push(`${tag} gave no sign of life: ${String(error)}`),
			),
		),
	);
}

async function miscounted(hub: TestHub, agents: readonly Agent[]): Promise<string[]> {
	const rows = await query<{tag: string; sessions: number}>(
		hub,
		"select tag, sessions from agents where tag like 'LOAD%'",
	);
	const counted = new Map(rows.map(({tag, sessions}) => [tag, sessions]));
	return agents
		.filter(({tag, sessions}) => counted.get(tag) !== sessions.length)
		.map(({tag, sessions}) => `${tag} has ${sessions.length} sessions, and ${counted.get(tag) ?? 'none'} are counted`);
}

/** Tries again what was not answered in time, by the hub or by its database, as every client does. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
	for (const end = Date.now() + timeout; ; await sleep(between)) {
		try {
			return await work();
		} catch (error) {
			const isLate = error instanceof MailboxError && (error.code === 'offline' || error.sqlstate === '57014');
			if (Date.now() > end || !isLate) throw error;
		}
	}
}

/** Takes its mail by its way, each of its sessions at once, until it has both messages and everyone has written. */
async function read(
	hub: TestHub,
	agent: Agent,
	handed: Map<string, string[]>,
	written: () => Promise<unknown>,
	pause: number,
): Promise<void> {
	const {tag} = agent;
	const got: string[] = [];
	handed.set(tag, got);
	const until = Date.now() + timeout;
	let over = false;
	void written().then(() => (over = true));
	const take = await taker(hub, agent);
	while (Date.now() < until) {
		// What was acknowledged before this look began has to be in it.
		const isLast = over;
		const found = (await Promise.all(agent.sessions.map(() => take.next().catch(() => [])))).flat();
		got.push(...found);
		if (isLast && found.length === 0 && got.length >= 2) break;
		await sleep(pause);
	}
	await take.end();
}

function isHeard(written: ReadonlyMap<string, unknown>, heard: readonly string[]): boolean {
	const bodies = new Set(heard);
	return [...written.keys()].every(body => bodies.has(body));
}

/** Which of the messages that were written here a text has. */
function bodiesIn(text: string): string[] {
	return text.match(/LOAD_\d+ writes \d/g) ?? [];
}

interface Taker {
	/** The bodies of what was handed over. */
	next(): Promise<string[]>;
	end(): Promise<void>;
}

async function taker(hub: TestHub, {tag, mailbox, by}: Agent): Promise<Taker> {
	if (by === 'hook') {
		return {
			next: async () => bodiesIn((await fire({home: hub.home, tag, event: 'PostToolBatch'})).stdout),
			end: async () => undefined,
		};
	}
	if (by === 'server') {
		const client = await startAgent(hub.home, tag);
		return {next: async () => bodiesIn((await client.call('check_messages')).text), end: () => client.close()};
	}
	return {
		async next() {
			const taken = await mailbox.take({route: 'test'});
			const ids = taken.map(({id}) => id);
			// It was handed over, whether the answer to its confirmation comes or not.
			if (ids.length > 0) await patiently(() => mailbox.deliver(ids, 'test')).catch(() => undefined);
			return taken.flatMap(({body}) => bodiesIn(body));
		},
		end: async () => undefined,
	};
}

/** The first few of each kind, and how many more there are: three hundred agents fail in three hundred lines. */
function summed(faults: readonly string[]): string[] {
	const kinds = Map.groupBy(faults, fault => fault.replaceAll(/\d+/g, 'N'));
	return [...kinds.values()].map(alike => `${alike[0]}${alike.length > 1 ? ` (${alike.length} like this)` : ''}`);
}

const what = 'agents, sessions and sockets at once';

/** The load of many agents on the hub. */
export const load: readonly Fault[] = [
	{what, trials: 1, run: trials => underLoad('pglite', small, trials)},
	// Whoever reads beside them would be one load more.
	{what, long: true, alone: true, trials: 1, run: trials => underLoad('pglite', large, trials)},
	{what, engine: 'postgres', long: true, alone: true, trials: 1, run: trials => underLoad('postgres', large, trials)},
];
