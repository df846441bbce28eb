import {spawn} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {signToken} from '../source/hub/token.ts';
import {readKeys} from '../source/hub/keys.ts';
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

/** What `agentmux join` leaves for the hook. */
function joinAs({home}: Hub, tag: string): void {
	const keys = readKeys({
		data: path.join(home, 'data'),
		state: path.join(home, 'state'),
		logs: path.join(home, 'logs'),
	});
	if (keys === null) throw new Error('the hub has no keys');
	const token = signToken(keys.jwt_secret, {role: 'authenticated', app_metadata: {agent_tag: tag, kind: 'agent'}});
	mkdirSync(path.join(home, 'data/agents'), {recursive: true});
	writeFileSync(path.join(home, `data/agents/${tag}.json`), JSON.stringify({tag, key: keys.anon_key, token}));
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
