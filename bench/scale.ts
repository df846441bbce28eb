// npm run bench:scale [-- --agents 20 --rate 1 --seconds 20 --postgres]: agents that each write `rate` messages a second to the next one on one
// hub, each with a subscription as its server has one, and each message taken, delivered and acked as the hooks do. Prints what the
// hub did, and what a hosted Realtime would have counted and charged for it (docs/scale.md). --postgres: the hub serves a PostgreSQL.
import {readFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {connectMailbox} from '../source/gateway/connect.ts';
import {signToken} from '../source/hub/tokens/token.ts';
import type {Mailbox} from '../source/mailbox/mailbox.ts';
import {startPostgres} from '../test/helpers/postgres.ts';
import {agentmux, freshHome, machine, pause, residentMegabytes, spread} from './measure.ts';

const {values: words} = parseArgs({
	options: {
		agents: {type: 'string', default: '20'},
		rate: {type: 'string', default: '1'},
		seconds: {type: 'string', default: '20'},
		postgres: {type: 'boolean', default: false},
	},
});
const [count, rate, seconds] = [Number(words.agents), Number(words.rate), Number(words.seconds)];
/** Supabase's price of a million Realtime messages in dollars, how many the Pro plan includes, and its limit a second. */
const hosted = {price: 2.5, included: 5e6, perSecond: 500, withoutSpendCap: 2500};
const month = 30 * 24 * 3600;

/** What subscriptions were told after they were live: each row is one Realtime message. */
const told = {messages: 0, agents: 0, receipts: 0};
const sentAt = new Map<string, number>();
const arrivals: number[] = [];
const answers: number[] = [];
let counts = false;

const {env, remove} = freshHome();
const server = words.postgres ? await startPostgres() : null;
if (server !== null) env['AGENTMUX_DATABASE_URL'] = server.connectionString;
agentmux(env, 'hub', 'start');
const open: Mailbox[] = [];
try {
	const {url, pid} = JSON.parse(agentmux(env, 'hub', 'status', '--json')) as {url: string; pid: number};
	const said = agentmux(env, 'hub', 'status', '-o', 'env');
	const setting = (name: string): string => new RegExp(`^${name}="?([^"\\n]+)`, 'm').exec(said)?.[1] ?? '';
	const tags = Array.from({length: count}, (_, index) => `AGENT_${index + 1}`);
	for (const tag of tags) {
		const token = signToken(setting('JWT_SECRET'), {
			iss: 'agentmux',
			role: 'authenticated',
			app_metadata: {agent_tag: tag, kind: 'agent'},
		});
		open.push(connectMailbox({url, key: setting('ANON_KEY'), token}));
	}
	await Promise.all(open.map(async (mailbox, index) => live(mailbox, tags[index]!)));
	await pause(1000);
	counts = true;
	const cpu = processorSeconds(pid);
	const begin = performance.now();
	const written = await Promise.all(
		open.map((mailbox, index) => write(mailbox, tags[index]!, tags[(index + 1) % count]!, begin)),
	);
	const total = written.reduce((sum, each) => sum + each, 0);
	const took = (performance.now() - begin) / 1000;
	for (let waited = 0; waited < 300 && arrivals.length < total; waited += 1) await pause(100);
	await pause(1000);
	counts = false;
	const cost = (processorSeconds(pid) - cpu) / total;
	const each = (told.messages + told.agents + told.receipts) / total;
	const perSecond = each * count * rate;
	const monthly = perSecond * month;
	const dollars = Math.ceil(Math.max(0, monthly - hosted.included) / 1e6) * hosted.price;
	console.log(`${machine()}; hub on ${server === null ? 'PGlite' : 'PostgreSQL'}, ${count} agents\n
written   ${total} messages in ${took.toFixed(1)} s: ${(total / took).toFixed(1)}/s of ${count * rate}/s that were asked for
arrived   ${arrivals.length}, to the bytes at the addressee: ${spread(arrivals)}
answered  the INSERT itself: ${spread(answers)}
hub       ${(cost * 1000).toFixed(1)} ms of processor time a message, ${residentMegabytes(pid).toFixed(0)} MB
Realtime  ${each.toFixed(1)} messages for each one written: ${(told.messages / total).toFixed(1)} of it, ${(told.agents / total).toFixed(1)} of agents' presence, ${(told.receipts / total).toFixed(1)} of receipts
hosted    at this rate ${perSecond.toFixed(0)} Realtime messages a second (Pro: ${hosted.perSecond}; without a spend cap: ${hosted.withoutSpendCap}), ${(monthly / 1e6).toFixed(0)} million a month all day long: $${dollars.toLocaleString('en')} beside the plan`);
} finally {
	await Promise.all(open.map(mailbox => mailbox.close()));
	agentmux(env, 'hub', 'stop');
	remove();
	await server?.stop();
}
process.exit(0);

/** Resolves when the agent has joined and hears what is written. */
async function live(mailbox: Mailbox, tag: string): Promise<void> {
	await mailbox.touch({presence: 'idle', session: `session of ${tag}`});
	await new Promise<void>(resolve => {
		mailbox.subscribe(
			event => {
				if (event.type === 'connection' && event.connection.phase === 'live') resolve();
				if (!counts) return;
				if (event.type === 'agents' && event.complete !== true) told.agents += event.agents.length;
				if (event.type === 'receipts') told.receipts += event.receipts.length;
				if (event.type !== 'messages') return;
				told.messages += event.messages.length;
				for (const {id, content, mentions} of event.messages) {
					if (mentions.includes(tag)) void handOver(mailbox, tag, id, content);
				}
			},
			null,
			{agent: tag},
		);
	});
}

/** What hooks do for a message that wakes an agent, and what its answer does. */
async function handOver(mailbox: Mailbox, tag: string, id: number, content: string): Promise<void> {
	arrivals.push(performance.now() - (sentAt.get(content) ?? Number.NaN));
	const session = `session of ${tag}`;
	await mailbox.touch({presence: 'working', session});
	await mailbox.take({route: 'bench', limit: 20});
	await mailbox.deliver([id], 'bench', session);
	await mailbox.endTurn(session);
	await mailbox.ack([id], 'bench');
	await mailbox.touch({presence: 'idle', session});
}

/** Writes until the time is over; no more than one message at a time, and none to make up for those that came late. */
async function write(mailbox: Mailbox, from: string, to: string, begin: number): Promise<number> {
	let sent = 0;
	// Not all at the same moment.
	for (let next = begin + (Math.random() * 1000) / rate; next < begin + seconds * 1000;) {
		await pause(Math.max(0, next - performance.now()));
		const content = `[${from}] @${to} number ${sent}`;
		sentAt.set(content, performance.now());
		await mailbox.post({content, client_id: crypto.randomUUID()});
		answers.push(performance.now() - sentAt.get(content)!);
		sent += 1;
		next = Math.max(next + 1000 / rate, performance.now());
	}
	return sent;
}

/** User and system time of a process, in seconds: at 100 ticks each, as Linux counts. */
function processorSeconds(pid: number): number {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
	return (Number(fields[11]) + Number(fields[12])) / 100;
}
