import {spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {agentmux, cli, endAtExit, median, ms, pause, quantile, type Figure, type Hub} from './measure.ts';

/** Mailboxes of others, at the versions whose tools are called here. They are no dependencies: each run installs them. */
const comms = {name: 'agent-comms-mcp', version: '0.1.1', main: 'dist/index.js'};
const inbox = {name: 'agent-inbox', version: '0.2.3', main: 'dist/cli.js'};
const installTimeout = 120_000;

const rounds = {check: 200, wait: 60};
/** What is not counted: connections, prepared statements, compiled code. */
const warmUp = 20;
/** Milliseconds until an agent that was told to wait does wait. */
const settled = 150;
/** A third of the peer's time. */
const goal = 1 / 3;

type Call = (tool: string, input: object) => Promise<string>;

/** One system: two agents, each with an MCP client of its own. */
interface Mailbox {
	readonly name: string;
	/** What it does with a message before `send` is answered. */
	readonly keeps: string;
	readonly send: (text: string) => Promise<unknown>;
	/** What the other agent reads. */
	readonly check: () => Promise<string>;
	/** A tool that waits for a message, if it has one. */
	readonly wait?: () => Promise<string>;
}

/**
 * What agents pay for a message: A's call that sends it, then B's call that returns it, over stdio as their clients make them, in
 * this mailbox, in two from npm, and with SQL through the stock Supabase server, by turns.
 */
export async function mcpMailboxes(hub: Hub): Promise<Figure[]> {
	const folder = mkdtempSync(path.join(tmpdir(), 'agentmux-bench-peers-'));
	const remove = (): void => rmSync(folder, {recursive: true, force: true});
	const ends: Array<() => unknown> = [endAtExit(remove), remove];
	try {
		const own = await openOwn(hub, ends);
		const peers = [await openStock(hub, ends)];
		const missing = install(folder);
		if (missing === null) peers.push(await openComms(folder, ends), await openInbox(folder, ends));
		const all = [own, ...peers];
		const checked = await byTurns(
			rounds.check,
			all.map(mailbox => () => sendAndCheck(mailbox)),
		);
		const waiting = all.filter(({wait}) => wait !== undefined);
		const waited = await byTurns(
			rounds.wait,
			waiting.map(mailbox => () => sendToWaiting(mailbox)),
		);
		return [
			...figures('MCP: send, then check returns it', all, checked),
			...figures('MCP: send to an agent that waits', waiting, waited),
			...(missing === null ? [] : [absent(missing)]),
		];
	} finally {
		for (const end of ends.toReversed()) await end();
	}
}

async function openOwn(hub: Hub, ends: Array<() => unknown>): Promise<Mailbox> {
	const start = (tag: string): Promise<Call> => connect([cli, 'mcp', '--as', tag], {AGENTMUX_HOME: hub.home}, ends);
	const [sender, reader] = [await start('BENCH_A'), await start('BENCH_B')];
	await sender('list_agents', {});
	await reader('check_messages', {});
	return {
		name: 'agentmux',
		keeps: 'durable',
		send: text => sender('send_message', {text, to: ['BENCH_B']}),
		check: () => reader('check_messages', {}),
		wait: () => reader('wait_for_message', {timeout_seconds: 10}),
	};
}

/** The way without a mailbox server: agents write SQL through the stock server, which the hub serves as Supabase does. */
async function openStock(hub: Hub, ends: Array<() => unknown>): Promise<Mailbox> {
	const server = path.resolve(import.meta.dirname, '../node_modules/.bin/mcp-server-supabase');
	const words = [server, `--api-url=${hub.url}`, '--project-ref=local', '--features=database'];
	const start = (): Promise<Call> => connect(words, {SUPABASE_ACCESS_TOKEN: hub.key}, ends);
	const [sender, reader] = [await start(), await start()];
	agentmux(hub.env, 'send', '--to', 'STOCK_B', 'the first');
	let last = 0;
	return {
		name: 'SQL through the stock Supabase server, same hub',
		keeps: 'durable',
		send: text =>
			sender('execute_sql', {
				query: `insert into messages (content) values ('[STOCK_A] @STOCK_B ${text}') returning id`,
			}),
		async check() {
			const query = `select id, tag, body from messages where id > ${last} and 'STOCK_B' = any(mentions) order by id`;
			const answer = await reader('execute_sql', {query});
			for (const [, id] of answer.matchAll(/\\?"id\\?":\s*(\d+)/g)) last = Math.max(last, Number(id));
			return answer;
		},
	};
}

/** It has no storage that two servers could share, so both agents are clients of one process. */
async function openComms(folder: string, ends: Array<() => unknown>): Promise<Mailbox> {
	const call = await connect([mainOf(folder, comms)], {}, ends);
	const {channel, coordinatorToken} = JSON.parse(
		await call('comms_create_channel', {name: 'bench', mission: 'bench'}),
	) as {channel: {channelId: string}; coordinatorToken: string};
	const {channelId: channel_id} = channel;
	const join = async (agent_id: string): Promise<object> => {
		const input = {channel_id, coordinator_token: coordinatorToken, agent_id, display_name: agent_id, role: 'bench'};
		const {participantToken} = JSON.parse(await call('comms_register_agent', input)) as {participantToken: string};
		return {channel_id, participant_token: participantToken};
	};
	const [sender, reader] = [await join('a'), await join('b')];
	let after_sequence = 0;
	const read = async (tool: string, more: object): Promise<string> => {
		const answer = await call(tool, {...reader, after_sequence, ...more});
		({nextSequence: after_sequence} = JSON.parse(answer) as {nextSequence: number});
		return answer;
	};
	return {
		name: `${comms.name} ${comms.version}`,
		keeps: 'in memory, one process for both',
		send: body => call('comms_send', {...sender, body, audience: {agentId: 'b'}}),
		check: () => read('comms_poll', {}),
		wait: () => read('comms_wait', {timeout_ms: 10_000}),
	};
}

/** As it is started without settings: messages in memory, and beside that a file for each reader, without fsync. */
async function openInbox(folder: string, ends: Array<() => unknown>): Promise<Mailbox> {
	const main = mainOf(folder, inbox);
	const socket = path.join(folder, 'inbox.sock');
	const env = {...quietEnv(), HOME: folder, INBOX_SOCKET_PATH: socket};
	const router = spawn(process.execPath, [main, 'ipc'], {env, stdio: 'ignore'});
	ends.push(
		endAtExit(() => router.kill()),
		() => endOf(router),
	);
	for (let tries = 0; !existsSync(socket); tries += 1) {
		if (tries === 100 || router.exitCode !== null) throw new Error(`${inbox.name} did not open its socket.`);
		await pause(50);
	}
	const start = (agent: string): Promise<Call> =>
		connect([main, 'mcp'], {HOME: folder, INBOX_SOCKET_PATH: socket, INBOX_AGENT_ID: agent}, ends);
	const [sender, reader] = [await start('a'), await start('b')];
	return {
		name: `${inbox.name} ${inbox.version}`,
		keeps: 'in memory, and a file without fsync',
		send: body => sender('send_message', {to: 'b', body}),
		check: () => reader('check_inbox', {agentId: 'b'}),
	};
}

/** Installs the peers; says why if they cannot be had. Their install scripts are not run. */
function install(folder: string): string | null {
	const packages = [comms, inbox].map(({name, version}) => `${name}@${version}`);
	const words = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', ...packages];
	const {status, stderr, error} = spawnSync('npm', words, {encoding: 'utf8', timeout: installTimeout});
	if (status === 0) return null;
	return error?.message ?? stderr.trim().split('\n')[0] ?? `npm ended with ${status}`;
}

function mainOf(folder: string, {name, main}: {readonly name: string; readonly main: string}): string {
	return path.join(folder, 'node_modules', name, main);
}

/** A client over stdio of a server with a process of its own, which is ended with it. */
async function connect(words: string[], env: {[name: string]: string}, ends: Array<() => unknown>): Promise<Call> {
	const client = new Client({name: 'bench', version: '1'});
	ends.push(() => client.close());
	await client.connect(
		new StdioClientTransport({command: process.execPath, args: words, env: {...quietEnv(), ...env}, stderr: 'ignore'}),
	);
	await client.listTools();
	return async (tool, input) => {
		const result = (await client.callTool({name: tool, arguments: {...input}})) as CallToolResult;
		const text = result.content.map(part => (part.type === 'text' ? part.text : '')).join('');
		if (result.isError === true) throw new Error(`${tool}: ${text}`);
		return text;
	};
}

/** Nothing of this terminal's settings. */
function quietEnv(): {[name: string]: string} {
	return {PATH: process.env['PATH'] ?? ''};
}

async function endOf(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = once(child, 'exit');
	child.kill();
	await ended;
}

let texts = 0;
const nextText = (): string => `bench message ${(texts += 1)} of a run`;

/** Milliseconds. */
async function sendAndCheck({name, send, check}: Mailbox): Promise<number> {
	const text = nextText();
	const begin = performance.now();
	await send(text);
	const answer = await check();
	const taken = performance.now() - begin;
	if (!answer.includes(text)) throw new Error(`${name} did not return what was sent: ${answer}`);
	return taken;
}

/** Milliseconds from the call that sends until the reader, which waits already, has the message. */
async function sendToWaiting({name, send, wait = () => Promise.resolve('')}: Mailbox): Promise<number> {
	const text = nextText();
	const answered = wait().then(answer => ({answer, at: performance.now()}));
	await pause(settled);
	const begin = performance.now();
	const [{answer, at}] = await Promise.all([answered, send(text)]);
	if (!answer.includes(text)) throw new Error(`${name} did not return what was sent: ${answer}`);
	return at - begin;
}

/** The times of each, in the same order; each round asks all of them, so that noise hits all alike. */
async function byTurns(count: number, measures: ReadonlyArray<() => Promise<number>>): Promise<number[][]> {
	const times = measures.map((): number[] => []);
	for (let round = -warmUp; round < count; round += 1) {
		for (const [index, measure] of measures.entries()) {
			const taken = await measure();
			if (round >= 0) times[index]?.push(taken);
		}
	}
	return times;
}

/** Ours beside each peer. */
function figures(what: string, all: readonly Mailbox[], times: readonly number[][]): Figure[] {
	const [own = []] = times;
	return all.slice(1).map(({name, keeps}, index) => {
		const peer = times[index + 1] ?? [];
		const ratio = median(own) / median(peer);
		return {
			what: `${what}: ${name}`,
			measured: `${spread(own)} = ${ratio.toFixed(2)} × peer`,
			floor: `${spread(peer)} (${keeps})`,
			goal: '≤ 0.33 × peer',
			met: ratio <= goal,
		};
	});
}

function spread(values: readonly number[]): string {
	return `p50 ${ms(median(values))}, p95 ${ms(quantile(values, 0.95))}`;
}

function absent(why: string): Figure {
	return {
		what: 'MCP mailboxes from npm',
		measured: 'not measured: they could not be installed',
		floor: why,
		goal: '≤ 0.33 × peer',
		met: null,
	};
}
