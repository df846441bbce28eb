// npm run soak -- [30m|90s|2h]: the built hub with a screen, a tail, hooks and messages at a modest rate, and what becomes of
// memory, open files, data, WAL and tables. Exits 1 when something would have doubled in a week. On Linux: it reads /proc.
// --leak BYTES: the screen leaks as many a message, which the run has to find. --samples FILE: writes all figures there, as JSON.
import {writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {onEngine} from '../faults/on-engine.ts';
import {filling} from './fill.ts';
import {rates, startLoad} from './load.ts';
import {Probes} from './probes.ts';
import {isJudged, maxResident, sample, sampleAlive, type Figure, type Unit} from './sample.ts';
import {slopeOf, smallestLeak, verdict, type Sample, type Slope} from './slope.ts';

const samples = 120;
/** A collection at each sample would hide how much lies about between those of V8: so many with one, as many without. */
const inRow = 5;

const {values: options, positionals} = parseArgs({
	allowPositionals: true,
	options: {leak: {type: 'string'}, samples: {type: 'string'}},
});
const [, amount = '', unit = ''] = /^(\d+)([smh])$/.exec(positionals[0] ?? '30m') ?? [];
const seconds = Number(amount) * ({s: 1, m: 60, h: 3600}[unit] ?? 0);
if (seconds < 30) {
	console.error('Say how long, 30 seconds at least: npm run soak -- 30m');
	process.exit(2);
}

/** Seconds: what is bounded was filled before; what is compiled, and pools of connections, come with this load. */
const warmUp = Math.min(seconds / 4, 600);

/** MB: what V8 remembers of code makes what is alive drift by so much, up and down, whatever the load. */
const drift = 0.3;

interface Row {
	readonly what: string;
	readonly unit: Unit;
	readonly samples: Sample[];
}

const rows = new Map<string, Row>();
const keep = (at: number, figures: readonly Figure[]): void => {
	for (const {what, unit, value} of figures) {
		const name = `${what} (${unit})`;
		const row = rows.get(name) ?? {what, unit, samples: []};
		rows.set(name, row);
		row.samples.push([at, value]);
	}
};

let summary = '';
/** Messages a second. */
let reached = 0;
const probes = new Probes();
await onEngine('pglite', async start => {
	const hub = await start(probes.env);
	const filled = performance.now();
	const leak = options.leak === undefined ? {} : probes.leaking(Number(options.leak) * rates.messages);
	const load = await startLoad(hub, probes.env, leak);
	const begun = performance.now();
	const elapsed = (): number => (performance.now() - begun) / 1000;
	try {
		for (let nth = 0; elapsed() < seconds; nth += 1) {
			await sleep(Math.max(1000, (seconds * 1000) / samples));
			keep(elapsed(), await sample(hub, load));
			if (Math.floor(nth / inRow) % 2 === 0) keep(elapsed(), await sampleAlive(probes, load, hub));
		}
	} finally {
		const rate = (count: number): string => `${count} (${(count / elapsed()).toFixed(1)}/s)`;
		const {messages, hooks, tasks, shown} = load.done;
		reached = messages / elapsed();
		summary = `First ${filling.messages} messages and ${filling.tasks} tasks in ${Math.round((begun - filled) / 1000)} s, which fill all that is bounded;`;
		summary += ` then in ${Math.round(elapsed())} s: ${rate(messages)} messages, ${rate(hooks)} hooks, ${tasks} tasks; tail showed ${shown}`;
		await load.end();
		for (const [message, times] of load.failed) summary += `\n  failed ${times} times: ${message}`;
		await hub.stop({keep: true});
		probes.dispose();
	}
});

if (options.samples !== undefined) writeFileSync(options.samples, JSON.stringify([...rows.values()]));

const warm = ({samples: all}: Row): Sample[] => all.filter(([at]) => at > warmUp);

const slopeIn = (row: Row): Slope => slopeOf(warm(row), row.unit === 'MB alive' ? drift : 0);

/** `above`, `within`: its bound, at its highest; says nothing of its slope. The others: verdict. */
function judged(row: Row): 'steady' | 'unclear' | 'grows' | 'above' | 'within' | '' {
	const {what, unit} = row;
	if (!isJudged(unit)) return '';
	if (unit === 'MB resident') {
		return Math.max(...row.samples.map(([, value]) => value)) > (maxResident[what] ?? 0) ? 'above' : 'within';
	}
	return verdict(slopeIn(row), wholeOf(row));
}

/** What would have to double: of what is alive, all that its program takes. */
function wholeOf(row: Row): number {
	const resident = rows.get(`${row.what.split(',')[0]} (MB resident)`);
	return slopeOf(warm(row.unit === 'MB alive' && resident !== undefined ? resident : row)).mean;
}

console.log(`${summary}\n`);
const line = (cells: readonly string[]): string =>
	cells
		.map((cell, column) => (column === 0 ? cell.padEnd(40) : cell.padStart([0, 12, 12, 12, 12, 22, 10][column] ?? 0)))
		.join('');
console.log(line(['', 'first', 'last', 'mean', 'highest', 'slope per hour', 'a week']));
let failed = false;
for (const [name, row] of rows) {
	const after = warm(row);
	const {slope, error, mean} = slopeIn(row);
	const found = judged(row);
	const isFailure = found === 'grows' || found === 'above';
	failed ||= isFailure;
	const highest = Math.max(...row.samples.map(([, value]) => value));
	const shown = [row.samples[0]?.[1], after.at(-1)?.[1], mean, highest].map(value => (value ?? Number.NaN).toFixed(1));
	const hourly = `${(slope * 3600).toFixed(2)} ± ${(error * 7200).toFixed(2)}`;
	console.log(line([name, ...shown, hourly, isFailure ? found.toUpperCase() : found]));
}
const bounds = Object.entries(maxResident).map(([program, most]) => `${program} ${most}`);
const told = [...rows.values()]
	.filter(({unit, what}) => unit === 'MB alive' && what in maxResident)
	.map(row => `${row.what} ${Math.ceil((smallestLeak(slopeIn(row), wholeOf(row)) * 1e6) / reached)}`);
console.log(`
The slope is that of least squares after ${Math.round(warmUp)} s, ± two standard errors. GROWS: at its lower bound the mean doubles in a
week, and the run fails. unclear: at its upper bound alone, which a longer run tells apart.
MB alive: what is left after a collection, without compiled code, at half of the samples. It grows when it would double what is
resident, and by more than ${drift} MB in this time. At ${reached.toFixed(1)} messages a second this run would have found a leak of so
many bytes a message: ${told.join(', ')}.
MB resident: with all garbage that V8 lets lie about, so that its slope is shown and not judged. ABOVE: it was higher at any
time than its bound (${bounds.join(', ')} MB), and the run fails.`);
process.exit(failed ? 1 : 0);
