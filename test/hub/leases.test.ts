import {spawnSync} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, expect, test} from 'vitest';
import type {Task} from '../../source/mailbox/task.ts';
import {startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startAgent, type AgentClient} from '../helpers/mcp.ts';
import {cli, Home} from '../helpers/program.ts';

// What a user sees of tasks when the clock is set, the machine sleeps or the hub is down, with the built program.

let hub: TestHub | null = null;
const agents: AgentClient[] = [];
afterEach(async () => {
	for (const agent of agents.splice(0)) await agent.close();
	await hub?.stop();
	hub = null;
});

const preload = `--import ${new URL('../helpers/set-clock.ts', import.meta.url).href}`;

/** A hub whose clock can be set; `set` resolves when its database has that time. */
async function startWithClock(): Promise<{hub: TestHub; set: (seconds: number) => Promise<void>}> {
	const home = temporaryHome();
	const file = join(home, 'clock');
	writeFileSync(file, '0');
	const started = await startTestHub({home, cli, env: {NODE_OPTIONS: preload, AGENTMUX_TEST_CLOCK: file}});
	hub = started;
	return {
		hub: started,
		async set(seconds) {
			writeFileSync(file, String(seconds * 1000));
			for (;;) {
				const {stdout} = await run(
					started,
					'sql',
					'--json',
					'select extract(epoch from clock_timestamp())::float8 as now',
				);
				const [{now}] = JSON.parse(stdout) as [{now: number}];
				if (Math.abs(now - (Date.now() / 1000 + seconds)) < 30) return;
				await sleep(20);
			}
		},
	};
}

/** Resolves with the output of a command; rejects with its error. */
async function run({home}: TestHub, ...args: string[]): Promise<{stdout: string}> {
	const {code, stdout, stderr} = await Home.at(home).run(args);
	if (code !== 0) throw new Error(stderr);
	return {stdout};
}

async function task(of: TestHub, ...args: string[]): Promise<Task> {
	return JSON.parse((await run(of, 'tasks', ...args, '--json')).stdout) as Task;
}

test('a clock that is set back an hour delays no task, and one set forward takes none from its owner', async () => {
	const {hub, set} = await startWithClock();
	const first = await task(hub, 'add', 'first');
	await task(hub, 'add', 'second');
	await set(-3600);
	const claimed = await task(hub, 'claim', '--as', 'A', '--lease', '60');
	expect(claimed).toMatchObject({id: first.id, lease_token: 1});
	await set(3600);
	expect(await task(hub, 'claim', '--as', 'B')).toMatchObject({title: 'second'});
	expect(await task(hub, 'finish', String(first.id), '--token', '1', '--as', 'A')).toMatchObject({
		status: 'done',
		attempts: 1,
	});
	// And again, because the response may have been lost.
	expect(await task(hub, 'finish', String(first.id), '--token', '1', '--as', 'A')).toMatchObject({status: 'done'});
	await expect(task(hub, 'finish', String(first.id), '--token', '1', '--failed', '--as', 'A')).rejects.toThrow(
		`agentmux: Claim 1 of task ${first.id} was already finished with a different outcome. The first outcome stands.`,
	);
});

test('a hub that was killed and down for longer than the lease costs its owner nothing', async () => {
	const home = temporaryHome();
	hub = await startTestHub({home, cli});
	const {id} = await task(hub, 'add', 'x');
	await task(hub, 'claim', '--as', 'A', '--lease', '6');
	await hub.kill();
	await sleep(6500);
	hub = await startTestHub({home, cli});
	// Another agent asks first.
	expect((await run(hub, 'tasks', 'claim', '--as', 'B', '--json')).stdout.trim()).toBe('null');
	expect(await task(hub, 'finish', String(id), '--token', '1', '--as', 'A')).toMatchObject({
		status: 'done',
		attempts: 1,
	});
});

test('an owner that is heard of late after an outage keeps its task', async () => {
	const home = temporaryHome();
	hub = await startTestHub({home, cli});
	const {id} = await task(hub, 'add', 'x');
	await task(hub, 'claim', '--as', 'A', '--lease', '3');
	await hub.stop({keep: true});
	await sleep(4000);
	hub = await startTestHub({home, cli});
	// Longer than the lease was, and than the hub looks.
	await sleep(8500);
	expect((await run(hub, 'tasks', 'claim', '--as', 'B', '--json')).stdout.trim()).toBe('null');
	expect(await task(hub, 'show', String(id))).toMatchObject({status: 'running', lease_owner: 'A', attempts: 1});
	expect(await task(hub, 'finish', String(id), '--token', '1', '--as', 'A')).toMatchObject({status: 'done'});
});

test('a claim is renewed while its client says that it is busy or waits for its user, and not while it is idle', async () => {
	hub = await startTestHub({cli});
	const {id} = await task(hub, 'add', 'x');
	const socket = '/tmp/cc-socks/leases-test.sock';
	const sessions = join(hub.home, 'client/sessions');
	mkdirSync(sessions, {recursive: true});
	const report = (status: string, pid = process.pid): void =>
		writeFileSync(
			join(sessions, '46.json'),
			JSON.stringify({pid, messagingSocketPath: socket, status, statusUpdatedAt: Date.now()}),
		);
	report('busy');
	const agent = await startAgent(hub.home, 'A', {
		CLAUDE_CONFIG_DIR: join(hub.home, 'client'),
		CLAUDE_CODE_ENTRYPOINT: 'cli',
		CLAUDE_CODE_MESSAGING_SOCKET: socket,
	});
	agents.push(agent);
	await agent.call('claim_task', {lease_seconds: 10});
	const until = async (): Promise<string | null> => (await task(hub!, 'show', String(id))).lease_until;
	const isRenewed = async (): Promise<boolean> => {
		const before = await until();
		// Three renewals are due within a lease.
		for (const end = Date.now() + 7500; Date.now() < end; await sleep(300)) if ((await until()) !== before) return true;
		return false;
	};
	expect(await isRenewed()).toBe(true);
	report('waiting');
	expect(await isRenewed()).toBe(true);
	report('idle');
	// One may be under way.
	await sleep(1000);
	expect(await isRenewed()).toBe(false);
	report('busy');
	expect(await isRenewed()).toBe(true);
	// Of a client that was killed, the file is left.
	const {pid} = spawnSync(process.execPath, ['-e', '']);
	report('busy', pid);
	await sleep(1000);
	expect(await isRenewed()).toBe(false);
	expect(await task(hub, 'show', String(id))).toMatchObject({status: 'running', lease_owner: 'A', attempts: 1});
}, 60_000);

test('while an agent’s server runs its claim is renewed, and afterwards the task goes to another', async () => {
	hub = await startTestHub({cli});
	const {id} = await task(hub, 'add', 'x');
	const agent = await startAgent(hub.home, 'A');
	agents.push(agent);
	await agent.call('claim_task', {lease_seconds: 10});
	const now = async (): Promise<Task> => task(hub!, 'show', String(id));
	const {lease_until: first} = await now();
	// Only by its server, without any call of the agent.
	while ((await now()).lease_until === first) await sleep(200);
	expect(await now()).toMatchObject({status: 'running', lease_owner: 'A', attempts: 1});
	process.kill(agent.pid, 'SIGKILL');
	while ((await now()).status !== 'queued') await sleep(500);
	expect(await task(hub, 'claim', '--as', 'B')).toMatchObject({id, lease_token: 2, attempts: 2});
	await expect(task(hub, 'finish', String(id), '--token', '1', '--as', 'A')).rejects.toThrow(/^agentmux: Too late/);
});
