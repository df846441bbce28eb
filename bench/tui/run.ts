// npm run bench:tui [-- --million] [-- --write]: the screen beside the same content written by a bare ANSI writer and by plain
// Ink, in the same run; --million also fills a mailbox with 1,000,000 messages (some minutes); --write renews bench/RESULTS.md.
import {cli, machine, median, quantile, withHub} from '../measure.ts';
import {renew, resultsFile, verdict} from '../results.ts';
import {fill, idle, memory, type Idle, type Memory} from './memory.ts';
import {withPeers} from './peers.ts';
import {perSecond, repeats, twentyAgents, underLoad, type Program, type UnderLoad} from './under-load.ts';

/** The programs take turns, so that what else the machine does meets all of them. */
const rounds = 2;
const goals = {
	came: 0.9,
	p50: 6,
	p95: 2.5,
	frames: 60,
	bytesPerKey: 100,
	processor: 0.5,
	agents: 15,
	some: 180,
	many: 200,
};

interface Row {
	readonly what: string;
	/** One cell for each program. */
	readonly cells: readonly string[];
	readonly goal: string;
	readonly met: boolean | null;
}

const words = new Set(process.argv.slice(2));
const rows: Row[] = [];
function tell(row: Row): void {
	rows.push(row);
	const outcome = row.met === null ? '' : row.met ? '  met' : '  MISSED';
	const [own, bare, ink] = row.cells;
	console.log(
		`${row.what}\n  agentmux   ${own}\n  bare ANSI  ${bare}\n  plain Ink  ${ink}\n  goal       ${row.goal}${outcome}\n`,
	);
}

console.log(`${machine()}\n`);
await withPeers(async peers => {
	const ready = 'peer is ready';
	const programs: readonly Program[] = [
		{name: 'agentmux', words: [cli], ready: 'live', compose: 'c', empties: '\u0015'},
		{name: 'bare', words: [peers.bare], ready, compose: '', empties: ''},
		{name: 'ink', words: [peers.ink], ready, compose: '', empties: '', shows: typed => `> ${typed}`},
	];
	await withHub(async hub => {
		const all: UnderLoad[][] = programs.map(() => []);
		for (let round = 0; round < rounds; round += 1) {
			for (const [index, program] of programs.entries()) all[index]?.push(await underLoad(hub, program));
		}
		tellOfLoad(all);
	});
	await withHub(async hub => {
		const taken: number[] = [];
		for (const program of programs) taken.push(await twentyAgents(hub, program));
		tell({
			what: 'processor time with 20 agents that write 100 messages a second, of one core',
			cells: taken.map(percent => `${percent.toFixed(1)} %`),
			goal: `≤ ${goals.agents} %`,
			met: (taken[0] ?? Number.NaN) <= goals.agents,
		});
	});
	await withHub(async hub => {
		fill(hub, 100_000);
		const memories: Memory[] = [];
		const idles: Idle[] = [];
		for (const program of programs) {
			memories.push(await memory(hub, program, program.name === 'agentmux'));
			idles.push(await idle(hub, program));
		}
		tellOfIdle(idles);
		tellOfMemory('100,000', memories, goals.some);
	});
	if (!words.has('--million')) return;
	await withHub(async hub => {
		fill(hub, 1_000_000);
		const memories: Memory[] = [];
		for (const program of programs) memories.push(await memory(hub, program, program.name === 'agentmux'));
		tellOfMemory('1,000,000', memories, goals.many);
	});
});

function tellOfLoad(all: readonly UnderLoad[][]): void {
	const each = (cell: (runs: readonly UnderLoad[]) => string): string[] => all.map(cell);
	const mean = (runs: readonly UnderLoad[], of: (run: UnderLoad) => number): number =>
		runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
	const taken = (runs: readonly UnderLoad[]): number[] => runs.flatMap(run => run.taken);
	const [own = [], bare = []] = all;
	const rate = Math.round(mean(all.flat(), run => run.rate));
	const load = `${perSecond.toLocaleString('en')} messages/s (${rate.toLocaleString('en')} came)`;
	// A hub that takes fewer leaves the screens less to do, and all that follows says nothing.
	tell({
		what: `messages that the hub took in that time, of ${perSecond.toLocaleString('en')} a second`,
		cells: each(runs => mean(runs, run => run.rate).toFixed(0)),
		goal: `≥ ${perSecond * goals.came}`,
		met: rate >= perSecond * goals.came,
	});
	tell({
		what: `key to bytes at 300x80 with ${load}`,
		cells: each(runs => {
			const times = taken(runs);
			return `p50 ${median(times).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms (n=${times.length})`;
		}),
		goal: `p50 ≤ ${goals.p50} ms, p95 ≤ ${goals.p95} × bare ANSI`,
		met: median(taken(own)) <= goals.p50 && quantile(taken(own), 0.95) <= goals.p95 * quantile(taken(bare), 0.95),
	});
	tell({
		what: `frames a second in that while a key is held down (${repeats}/s)`,
		cells: each(runs => mean(runs, run => run.heldFrames).toFixed(0)),
		goal: `≥ ${goals.frames}`,
		met: mean(own, run => run.heldFrames) >= goals.frames,
	});
	tell({
		what: `frames a second in that for messages alone, of ${mean(all.flat(), run => run.bursts).toFixed(0)} transactions/s`,
		cells: each(runs => mean(runs, run => run.frames).toFixed(0)),
		goal: 'none: as many as bursts reach the screen',
		met: null,
	});
	tell({
		what: 'processor time in that, of one core',
		cells: each(runs => `${mean(runs, run => run.processor).toFixed(0)} %`),
		goal: 'none',
		met: null,
	});
	const bytes = Math.max(...own.map(run => run.bytesPerKey));
	tell({
		what: 'bytes for a letter while nothing else changes',
		cells: each(runs => Math.max(...runs.map(run => run.bytesPerKey)).toLocaleString('en')),
		goal: `≤ ${goals.bytesPerKey}`,
		met: bytes <= goals.bytesPerKey,
	});
	const clears = (runs: readonly UnderLoad[]): number => Math.round(runs.reduce((sum, run) => sum + run.clears, 0));
	tell({
		what: 'the whole screen erased, after the first frame',
		cells: each(runs => `${clears(runs).toLocaleString('en')} times`),
		goal: '0',
		met: clears(own) === 0,
	});
}

function tellOfIdle(idles: readonly Idle[]): void {
	const [own] = idles;
	tell({
		what: 'idle for 25 s: bytes, processor time of one core',
		cells: idles.map(({bytes, processor}) => `${bytes} bytes, ${processor.toFixed(2)} %`),
		goal: `0 bytes, ≤ ${goals.processor} %`,
		met: own !== undefined && own.bytes === 0 && own.processor <= goals.processor,
	});
}

function tellOfMemory(count: string, memories: readonly Memory[], goal: number): void {
	const [own] = memories;
	tell({
		what: `RSS with ${count} messages: opened; scrolled back and forth (at its highest)`,
		cells: memories.map(({opened, scrolled, peak}, index) =>
			index === 0
				? `${opened.toFixed(0)} MB; ${scrolled.toFixed(0)} MB (${peak.toFixed(0)} MB)`
				: `${opened.toFixed(0)} MB`,
		),
		goal: `≤ ${goal} MB`,
		met: own !== undefined && own.scrolled <= goal,
	});
}

if (words.has('--write')) {
	renew(
		resultsFile,
		'tui',
		'end of tui',
		['figure', 'agentmux', 'a bare ANSI writer', 'plain Ink', 'goal', ''],
		rows.map(({what, cells, goal, met}) => [what, ...cells, goal, verdict(met)]),
	);
}
process.exit(0);
