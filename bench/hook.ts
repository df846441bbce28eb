import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {createServer, type AddressInfo, type Socket} from 'node:net';
import path from 'node:path';
import {signToken} from '../source/hub/tokens/token.ts';
import {readKeys} from '../source/hub/tokens/keys.ts';
import {agentmux, cli, median, ms, quantile, type Figure, type Hub} from './measure.ts';

const rounds = 60;
const goal = 1.5;
const hook = path.join(path.dirname(cli), 'hook.cjs');

/** `agentmux hook PostToolBatch` with no mail, as a client starts it, beside an empty node process started in turn. */
export async function hookWithoutMail(hub: Hub): Promise<Figure> {
	joinAs(hub, 'BENCH');
	agentmux(hub.env, 'agents', '--json');
	const input = JSON.stringify({session_id: 'bench', hook_event_name: 'PostToolBatch', cwd: hub.home, tool_calls: []});
	const empty: number[] = [];
	const hooks: number[] = [];
	for (let round = 0; round <= rounds; round += 1) {
		const floor = await timed(hub, ['-e', '0'], '');
		const run = await timed(hub, [hook, 'PostToolBatch', '--as', 'BENCH'], input);
		// The first of each warms the file cache and is not counted.
		if (round === 0) continue;
		empty.push(floor);
		hooks.push(run);
	}
	const ratio = median(hooks) / median(empty);
	return {
		what: 'a hook with no mail (PostToolBatch)',
		measured: `p50 ${ms(median(hooks))}, p95 ${ms(quantile(hooks, 0.95))} = ${ratio.toFixed(2)} × floor`,
		floor: `empty node process: p50 ${ms(median(empty))}, p95 ${ms(quantile(empty, 0.95))}`,
		goal: `p50 ≤ ${goal} × floor`,
		met: ratio <= goal,
	};
}

const limit = 300;

/** The same hook where a hub accepts the connection and never answers: the agent's turn waits for it so long and no longer. */
export async function hookGivesUp(hub: Hub): Promise<Figure> {
	const sockets: Socket[] = [];
	const silent = createServer(socket => sockets.push(socket)).listen(0, '127.0.0.1');
	await once(silent, 'listening');
	const {port} = silent.address() as AddressInfo;
	placeAgent(hub, 'GIVES_UP', {url: `http://127.0.0.1:${port}`, key: 'none'});
	const input = JSON.stringify({session_id: 'bench', hook_event_name: 'PostToolBatch', cwd: hub.home, tool_calls: []});
	const empty: number[] = [];
	const hooks: number[] = [];
	for (let round = 0; round <= rounds / 2; round += 1) {
		const floor = await timed(hub, ['-e', '0'], '');
		const run = await timed(hub, [hook, 'PostToolBatch', '--as', 'GIVES_UP'], input);
		if (round === 0) continue;
		empty.push(floor);
		hooks.push(run);
	}
	for (const socket of sockets) socket.destroy();
	silent.close();
	return {
		what: 'a hook gives up on a hub that never answers',
		measured: `p50 ${ms(median(hooks))}, p95 ${ms(quantile(hooks, 0.95))}`,
		floor: `empty node process: p50 ${ms(median(empty))}, p95 ${ms(quantile(empty, 0.95))}`,
		goal: `p95 ≤ ${limit} ms`,
		met: quantile(hooks, 0.95) <= limit,
	};
}

/** What `agentmux join` leaves for the hook. */
function joinAs(hub: Hub, tag: string): void {
	const {home} = hub;
	const keys = readKeys({
		data: path.join(home, 'data'),
		state: path.join(home, 'state'),
		logs: path.join(home, 'logs'),
	});
	if (keys === null) throw new Error('the hub has no keys');
	const token = signToken(keys.jwt_secret, {role: 'authenticated', app_metadata: {agent_tag: tag, kind: 'agent'}});
	placeAgent(hub, tag, {key: keys.anon_key, token});
}

function placeAgent({home}: Hub, tag: string, place: {url?: string; key: string; token?: string}): void {
	mkdirSync(path.join(home, 'data/agents'), {recursive: true});
	writeFileSync(path.join(home, `data/agents/${tag}.json`), JSON.stringify({tag, ...place}));
}

/** Milliseconds from spawn until it has ended. */
function timed(hub: Hub, words: string[], input: string): Promise<number> {
	return new Promise((resolve, reject) => {
		const begin = performance.now();
		const child = spawn(process.execPath, words, {env: hub.env, stdio: ['pipe', 'pipe', 'pipe']});
		child.on('error', reject);
		child.on('exit', code => (code === 0 ? resolve(performance.now() - begin) : reject(new Error(`exit ${code}`))));
		child.stdin.on('error', () => undefined);
		child.stdin.end(input);
	});
}
