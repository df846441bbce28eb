import {spawnSync} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import path from 'node:path';
import {agentmux, cli, median, type Figure, type Hub} from './measure.ts';

/** What a program that is started often pays before its own work, as counts and processor time alone: a busy machine changes them little. */
const rounds = 21;
const hook = path.join(path.dirname(cli), 'hook.cjs');
const counter = path.join(import.meta.dirname, 'loaded.cjs');
const ask = path.join(import.meta.dirname, 'ask.cjs');

interface Program {
	readonly what: string;
	readonly words: readonly string[];
	readonly input?: string;
}

/** The programs, of an agent that has joined a folder. */
function programsOf(hub: Hub): readonly Program[] {
	const folder = path.join(hub.home, 'started-often');
	mkdirSync(folder, {recursive: true});
	agentmux(hub.env, 'join', 'START_UP', '--dir', folder);
	const input = JSON.stringify({session_id: 'bench', hook_event_name: 'PostToolBatch', cwd: folder, tool_calls: []});
	return [
		{what: 'a hook with no mail', words: [hook, 'PostToolBatch', '--as', 'START_UP'], input},
		{what: 'agentmux send', words: [cli, 'send', '--to', 'SOMEBODY', 'hello']},
		{what: 'agentmux agents', words: [cli, 'agents']},
		{what: 'agentmux sql', words: [cli, 'sql', 'select 1']},
		{what: 'agentmux hub status', words: [cli, 'hub', 'status']},
	];
}

/**
 * Modules of Node's own that an empty process has not loaded; each is compiled and evaluated at every start. The count is always the
 * same, so `--check` can compare it on any machine.
 */
export function loadedModules(hub: Hub): Figure[] {
	const count = ({words, input = ''}: Pick<Program, 'words' | 'input'>): number => {
		const {status, output, stderr} = spawnSync(process.execPath, ['-r', counter, ...words], {
			env: hub.env,
			cwd: hub.home,
			input,
			stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
			encoding: 'utf8',
		});
		if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status}: ${stderr}`);
		return Number(output[3]);
	};
	const empty = count({words: ['-e', '0']});
	const floor = count({words: [ask, path.join(hub.home, 'state/hub.json')]}) - empty;
	return programsOf(hub).map(program => {
		const own = count(program) - empty;
		return {
			what: `modules of Node's that ${program.what} loads`,
			measured: `${own} = ${(own / floor).toFixed(2)} × floor`,
			floor: `a node process that asks the hub one thing: ${floor}`,
			goal: 'none set',
			met: null,
		};
	});
}

/** By turns, beside a process that only asks the hub one thing over its socket: less is not possible for any of them. */
export function startUp(hub: Hub): Figure[] {
	const programs = programsOf(hub).slice(0, 4);
	const all: readonly Program[] = [{what: 'ask', words: [ask, path.join(hub.home, 'state/hub.json')]}, ...programs];
	const times = all.map((): number[] => []);
	for (let round = -1; round < rounds; round += 1) {
		for (const [index, program] of all.entries()) {
			const time = cpuOf(hub, program);
			// The first of each warms the file cache and the cache of compiled code, and is not counted.
			if (round >= 0) times[index]?.push(time);
		}
	}
	const [floor = Number.NaN, ...own] = times.map(median);
	return programs.map(({what}, index) => ({
		what: `processor time of ${what}`,
		measured: `${own[index]?.toFixed(0)} ms = ${((own[index] ?? Number.NaN) / floor).toFixed(2)} × floor`,
		floor: `a node process that asks the hub one thing: ${floor.toFixed(0)} ms`,
		goal: 'none set',
		met: null,
	}));
}

/** Milliseconds of user and system time, as bash reports them. */
function cpuOf(hub: Hub, {words, input = ''}: Program): number {
	const script = 'exec 3>&2; { time "$@" >/dev/null 2>&3; } 2>&1';
	const {status, stdout, stderr} = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...words], {
		env: {...hub.env, TIMEFORMAT: '%U %S', LC_ALL: 'C'},
		cwd: hub.home,
		input,
		encoding: 'utf8',
	});
	if (status !== 0) throw new Error(`node ${words.join(' ')} ended with ${status}: ${stderr}`);
	const [user = 0, system = 0] = stdout.trim().split(' ').map(Number);
	return (user + system) * 1000;
}
