import {spawnSync} from 'node:child_process';
import {agentmux, cli, median, ms, type Figure, type Hub} from './measure.ts';

const rounds = 15;

/** Commands that ask one thing, as they are typed, and how many empty node processes each may cost. */
const commands: readonly {readonly words: readonly string[]; readonly goal: number}[] = [
	{words: ['send', 'hello'], goal: 2},
	{words: ['inbox', '--as', 'BENCH_1'], goal: 2},
	{words: ['agents'], goal: 2},
	{words: ['sql', 'select 1'], goal: 2},
	{words: ['hub', 'status'], goal: 2},
	{words: ['thread', '1'], goal: 3},
	{words: ['timeline'], goal: 3},
];

/** The processor and wall time of each, beside an empty node process that is started in turn. */
export function oneQuestion(hub: Hub): Figure[] {
	agentmux(hub.env, 'send', '--to', 'BENCH_1', 'a message to look at');
	const empty: Cost[] = [];
	const costs = commands.map((): Cost[] => []);
	for (let round = 0; round <= rounds; round += 1) {
		const floor = run(hub, ['-e', '0']);
		const own = commands.map(({words}) => run(hub, [cli, ...words]));
		// The first of each warms the file cache and the cache of compiled code, and is not counted.
		if (round === 0) continue;
		empty.push(floor);
		for (const [index, cost] of own.entries()) costs[index]?.push(cost);
	}
	return commands.map(({words, goal}, index) => {
		const own = costs[index] ?? [];
		const ratio = cpuOf(own) / cpuOf(empty);
		return {
			what: `agentmux ${words.join(' ')}`,
			measured: `${ms(cpuOf(own))} of processor time = ${ratio.toFixed(2)} × floor, ${ms(wallOf(own))} in all`,
			floor: `empty node process: ${ms(cpuOf(empty))}, ${ms(wallOf(empty))} in all`,
			goal: `≤ ${goal} × floor`,
			met: ratio <= goal,
		};
	});
}

/** Milliseconds. */
interface Cost {
	readonly wall: number;
	/** User and system time together. */
	readonly cpu: number;
}

const cpuOf = (costs: readonly Cost[]): number => median(costs.map(({cpu}) => cpu));
const wallOf = (costs: readonly Cost[]): number => median(costs.map(({wall}) => wall));

/** Runs node to its end. Bash reports what it cost to the millisecond; from inside, a process does not see how it ends. */
function run(hub: Hub, words: readonly string[]): Cost {
	const script = 'exec 3>&2; { time "$@" >/dev/null 2>&3; } 2>&1';
	const {status, stdout, stderr} = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...words], {
		env: {...hub.env, TIMEFORMAT: '%R %U %S', LC_ALL: 'C'},
		encoding: 'utf8',
	});
	const [wall = 0, user = 0, system = 0] = stdout.trim().split(' ').map(Number);
	if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status}: ${stderr}`);
	return {wall: wall * 1000, cpu: (user + system) * 1000};
}
