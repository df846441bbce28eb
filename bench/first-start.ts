import {spawnSync} from 'node:child_process';
import {agentmux, freshHome, median, ms, type Figure} from './measure.ts';

const rounds = 5;
const goal = 2500;

/** `agentmux hub start` in an empty home until the hub answers; floor: an empty node process. */
export function firstStart(): Figure {
	const empty: number[] = [];
	const starts: number[] = [];
	for (let round = 0; round < rounds; round += 1) {
		const {env, remove} = freshHome();
		empty.push(timed(() => spawnSync(process.execPath, ['-e', '0'], {env})));
		starts.push(timed(() => agentmux(env, 'hub', 'start')));
		agentmux(env, 'hub', 'stop');
		remove();
	}
	return {
		what: 'first start of the hub',
		measured: `${ms(median(starts))} (${ms(Math.min(...starts))} to ${ms(Math.max(...starts))})`,
		floor: `empty node process: ${ms(median(empty))}`,
		goal: `≤ ${ms(goal)}`,
		met: median(starts) <= goal,
	};
}

function timed(work: () => unknown): number {
	const begin = performance.now();
	work();
	return performance.now() - begin;
}
