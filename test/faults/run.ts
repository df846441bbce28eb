// npm run faults [-- NAME ...] [--long] [--times N] [--write]: does to the built hub what machines do to programs, and prints
// what became of what it had acknowledged, each fault with the seconds that it took. Exits 1 when anything was lost or told twice.
//   NAME     only faults whose name contains it
//   --long   with more trials and with faults that take longer: half an hour instead of three minutes
//   --times  N times as many trials
//   --write  puts the table into docs/guarantees.md, or only the lines of the faults that are named
import {availableParallelism} from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {renew} from '../../bench/results.ts';
import {engineOf, faultsOf} from './all.ts';
import type {Fault, Outcome} from './faults.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--times');
const times = at === -1 ? 1 : Number(words[at + 1]);
const long = words.includes('--long');
const write = words.includes('--write');
const wanted = words.filter((word, index) => !word.startsWith('--') && (at === -1 || index !== at + 1));
const chosen = faultsOf(long ? 'long' : 'short').filter(
	({what}) => wanted.length === 0 || wanted.some(word => what.includes(word)),
);
if (chosen.length === 0 || !(times >= 1)) {
	console.error(
		chosen.length === 0
			? `No fault is named like ${wanted.join(', ')}. There are:\n${faultsOf('long')
					.map(({what}) => `  ${what}`)
					.join('\n')}`
			: 'usage: npm run faults -- [NAME ...] [--long] [--times N] [--write]',
	);
	process.exit(2);
}

const head = ['fault', 'engine', 'trials', 'acknowledged', 'lost', 'twice', 'recovered in'];
const widths = [66, 12, 8, 14, 6, 7, 26, 9];
const line = (cells: readonly string[]): string =>
	cells
		.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
		.join('');

function recoveredIn({recovered}: Outcome): string {
	if (recovered.length === 0) return '-';
	const sorted = recovered.toSorted((one, other) => one - other).map(Math.round);
	return `${sorted[Math.floor(sorted.length / 2)]} ms (most ${sorted.at(-1)})`;
}

/** A line of the table, and what is to be said below it. */
interface Result {
	readonly cells: readonly string[];
	readonly remark: string | undefined;
	readonly wrong: readonly string[];
	readonly seconds: number;
}

/** Minutes after which a fault that has not ended never will. */
const longest = (long ? 25 : 8) * times;

async function carryOut(fault: Fault): Promise<Result> {
	const begun = performance.now();
	const failed = (why: string): Outcome => ({trials: 0, recovered: [], faults: [`not carried out: ${why}`]});
	const outcome = await Promise.race([
		fault
			.run((long ? (fault.longTrials ?? fault.trials) : fault.trials) * times)
			// A fault that could not be carried out has shown nothing.
			.catch((error: unknown) => failed(error instanceof Error ? (error.stack ?? error.message) : String(error))),
		sleep(longest * 60_000, undefined, {ref: false}).then(() => failed(`it did not end within ${longest} minutes`)),
	]);
	const {trials, acknowledged = '-', lost = '-', duplicated = '-', remark} = outcome;
	const engine = engineOf(fault) === 'pglite' ? 'PGlite' : 'PostgreSQL';
	return {
		cells: [fault.what, engine, ...[trials, acknowledged, lost, duplicated].map(String), recoveredIn(outcome)],
		remark,
		wrong: [
			...outcome.faults,
			...(Number(lost) > 0 ? ['acknowledged messages are lost'] : []),
			...(Number(duplicated) > 0 ? ['messages stand there twice'] : []),
		],
		seconds: (performance.now() - begun) / 1000,
	};
}

console.log(line([...head, 'seconds']));
const results: Result[] = [];
const done = new Map<Fault, Result>();
/** In their order, as far as they are done. */
function print(): void {
	for (let fault = chosen[results.length]; fault !== undefined; fault = chosen[results.length]) {
		const result = done.get(fault);
		if (result === undefined) return;
		results.push(result);
		console.log(line([...result.cells, result.seconds.toFixed(1)]));
		if (result.remark !== undefined) console.log(`  ${result.remark}`);
		for (const each of result.wrong) console.log(`  WRONG: ${each}`);
	}
}
const work = async (queue: Fault[]): Promise<void> => {
	for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
		const result = await carryOut(fault);
		// The table has its order; what a long run has done so far is seen here.
		if (long) console.error(`${result.seconds.toFixed(0).padStart(5)} s  ${fault.what}, ${engineOf(fault)}`);
		done.set(fault, result);
		print();
	}
};
const secondsOf = ({seconds = 10, trials, longTrials = trials}: Fault): number =>
	long ? (seconds * longTrials) / trials : seconds;
/** So many at a time, each on hubs and servers of its own; those that take longest first, so that none is left over. */
const carryOutAll = async (queue: Fault[], atOnce: number): Promise<void> => {
	queue.sort((one, other) => secondsOf(other) - secondsOf(one));
	await Promise.all(Array.from({length: atOnce}, () => work(queue)));
};
const begun = performance.now();
const shared = chosen.filter(({alone}) => alone === undefined);
await Promise.all([
	// Much of it is waiting all the same: for programs to start, and for timeouts.
	carryOutAll(
		shared.filter(({waits}) => waits !== true),
		availableParallelism() + 1,
	),
	carryOutAll(
		shared.filter(({waits}) => waits === true),
		2,
	),
]);
const waiting = chosen.filter(({alone}) => alone === 'waiting');
await carryOutAll(waiting, waiting.length);
await carryOutAll(
	chosen.filter(({alone}) => alone === true),
	1,
);
console.log(`${chosen.length} faults in ${Math.round((performance.now() - begun) / 1000)} s.`);
if (write) {
	renew(
		path.join(import.meta.dirname, '../../docs/guarantees.md'),
		'faults',
		'end of faults',
		head,
		results.map(({cells}) => cells),
		wanted.length === 0 ? undefined : 2,
	);
}
process.exit(results.some(({wrong}) => wrong.length > 0) ? 1 : 0);
