// npm run soak -- [30m|90s|2h]: the built hub with a screen, a tail, hooks and messages at a modest rate, and what becomes of
// memory, open files, data, WAL and tables. Exits 1 when something would have doubled in a week. On Linux: it reads /proc.
import {setTimeout as sleep} from 'node:timers/promises';
import {onEngine} from '../faults/on-engine.ts';
import {startLoad} from './load.ts';
import {isJudged, sample, type Unit} from './sample.ts';
import {slopeOf, verdict, type Sample} from './slope.ts';

const samples = 120;

const [, amount = '', unit = ''] = /^(\d+)([smh])$/.exec(process.argv[2] ?? '30m') ?? [];
const seconds = Number(amount) * ({s: 1, m: 60, h: 3600}[unit] ?? 0);
if (seconds < 30) {
	console.error('Say how long, 30 seconds at least: npm run soak -- 30m');
	process.exit(2);
}

/** Seconds: what is loaded, compiled and cached until then says nothing about a week. A half of a short run is not enough. */
const warmUp = Math.max(seconds / 3, Math.min(seconds / 2, 600));

interface Row {
	readonly unit: Unit;
	readonly samples: Sample[];
}

const rows = new Map<string, Row>();
let summary = '';
await onEngine('pglite', async start => {
	const hub = await start();
	const load = await startLoad(hub);
	const begun = performance.now();
	const elapsed = (): number => (performance.now() - begun) / 1000;
	try {
		while (elapsed() < seconds) {
			await sleep(Math.max(1000, (seconds * 1000) / samples));
			const at = elapsed();
			for (const {what, unit, value} of await sample(hub, load)) {
				const name = `${what} (${unit})`;
				const row = rows.get(name) ?? {unit, samples: []};
				rows.set(name, row);
				row.samples.push([at, value]);
			}
		}
	} finally {
		const rate = (count: number): string => `${count} (${(count / elapsed()).toFixed(1)}/s)`;
		const {messages, hooks, tasks, shown} = load.done;
		summary = `${Math.round(elapsed())} s: ${rate(messages)} messages, ${rate(hooks)} hooks, ${tasks} tasks; tail showed ${shown}`;
		await load.end();
		for (const [message, times] of load.failed) summary += `\n  failed ${times} times: ${message}`;
		await hub.stop({keep: true});
	}
});

console.log(`${summary}\n`);
const line = (cells: readonly string[]): string =>
	cells
		.map((cell, column) => (column === 0 ? cell.padEnd(40) : cell.padStart([0, 12, 12, 12, 22, 10][column] ?? 0)))
		.join('');
console.log(line(['', 'first', 'last', 'mean', 'slope per hour', 'a week']));
let failed = false;
for (const [what, {unit, samples: all}] of rows) {
	const warm = all.filter(([at]) => at > warmUp);
	const slope = slopeOf(warm);
	const found = isJudged(unit) ? verdict(slope) : '';
	failed ||= found === 'grows';
	const hourly = `${(slope.slope * 3600).toFixed(2)} ± ${(slope.error * 7200).toFixed(2)}`;
	const shown = [all[0]?.[1], warm.at(-1)?.[1], slope.mean].map(value => (value ?? Number.NaN).toFixed(1));
	console.log(line([what, ...shown, hourly, found === 'grows' ? 'GROWS' : found]));
}
console.log(
	`\nThe slope is that of least squares after ${Math.round(warmUp)} s, ± two standard errors. GROWS: at its lower bound the mean doubles`,
);
console.log('in a week, and the run fails. unclear: at its upper bound alone, which a longer run tells apart.');
process.exit(failed ? 1 : 0);
