import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer, type AddressInfo, type Socket} from 'node:net';
import path from 'node:path';
import {agentmux, cli, median, ms, quantile, type Figure, type Hub} from './measure.ts';

const rounds = 60;
const goal = 1.3;
const hook = path.join(path.dirname(cli), 'hook.cjs');

/** The hook that join writes for PostToolBatch, with no mail, as a client starts it, beside an empty node process started in turn. */
export async function hookWithoutMail(hub: Hub): Promise<Figure> {
	const folder = joined(hub, 'BENCH');
	const settings = readFileSync(path.join(folder, '.claude/settings.local.json'), 'utf8');
	const {hooks} = JSON.parse(settings) as {hooks: {[event: string]: {hooks: {command: string}[]}[]}};
	const line = hooks['PostToolBatch']?.[0]?.hooks[0]?.command ?? '';
	const input = JSON.stringify({session_id: 'bench', hook_event_name: 'PostToolBatch', cwd: folder, tool_calls: []});
	return besideNode(hub, 'a hook with no mail (PostToolBatch), as join writes it', () =>
		shell(hub, line, folder, input),
	);
}

/** The line for a client's status line. */
export async function statusLine(hub: Hub): Promise<Figure> {
	const folder = joined(hub, 'BENCH');
	const line = `'${path.join(hub.home, 'data/bin/agentmux')}' statusline`;
	const input = JSON.stringify({session_id: 'bench', cwd: folder, workspace: {project_dir: folder}});
	return besideNode(hub, 'the status line', () => shell(hub, line, folder, input));
}

/** A folder in which an agent has joined. */
function joined(hub: Hub, tag: string): string {
	const folder = path.join(hub.home, 'project');
	mkdirSync(folder, {recursive: true});
	agentmux(hub.env, 'join', tag, '--dir', folder);
	return folder;
}

/** Rounds of `run`, each beside an empty node process. */
async function besideNode(hub: Hub, what: string, run: () => Promise<number>): Promise<Figure> {
	const empty: number[] = [];
	const runs: number[] = [];
	for (let round = 0; round <= rounds; round += 1) {
		const floor = await timed(hub, ['-e', '0'], '');
		const own = await run();
		// The first of each warms the file cache and is not counted.
		if (round === 0) continue;
		empty.push(floor);
		runs.push(own);
	}
	const ratio = median(runs) / median(empty);
	return {
		what,
		measured: `p50 ${ms(median(runs))}, p95 ${ms(quantile(runs, 0.95))} = ${ratio.toFixed(2)} × floor`,
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

function placeAgent({home}: Hub, tag: string, place: {url?: string; key: string; token?: string}): void {
	mkdirSync(path.join(home, 'data/agents'), {recursive: true});
	writeFileSync(path.join(home, `data/agents/${tag}.json`), JSON.stringify({tag, ...place}));
}

/** Milliseconds from spawn until it has ended. */
function timed(hub: Hub, words: string[], input: string): Promise<number> {
	return timedProgram(process.execPath, words, {env: hub.env, input});
}

/** A line as a client runs it. */
function shell(hub: Hub, line: string, cwd: string, input: string): Promise<number> {
	return timedProgram('/bin/sh', ['-c', line], {env: hub.env, cwd, input});
}

function timedProgram(
	program: string,
	words: readonly string[],
	{input, ...options}: {readonly env: NodeJS.ProcessEnv; readonly cwd?: string; readonly input: string},
): Promise<number> {
	return new Promise((resolve, reject) => {
		const begin = performance.now();
		const child = spawn(program, words, {...options, stdio: ['pipe', 'pipe', 'pipe']});
		child.on('error', reject);
		child.on('exit', code => (code === 0 ? resolve(performance.now() - begin) : reject(new Error(`exit ${code}`))));
		child.stdin.on('error', () => undefined);
		child.stdin.end(input);
	});
}
