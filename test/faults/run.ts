// npm run faults [-- NAME ...] [-- --times N]: does to the built hub what machines do to programs, and prints what became of
// what it had acknowledged. Exits 1 when anything of it was lost or told twice.
import {faults, type Outcome} from './faults.ts';
import {historyFaults} from './history.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--times');
const times = at === -1 ? 1 : Number(words[at + 1]);
const wanted = words.filter((word, index) => !word.startsWith('--') && (at === -1 || index !== at + 1));

const widths = [58, 8, 14, 6, 12, 26];
const line = (cells: readonly string[]): string =>
	cells
		.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
		.join('');

function recoveredIn({recovered}: Outcome): string {
	if (recovered.length === 0) return '-';
	const sorted = [...recovered].sort((one, other) => one - other).map(Math.round);
	return `${sorted[Math.floor(sorted.length / 2)]} ms (most ${sorted.at(-1)})`;
}

console.log(line(['fault', 'trials', 'acknowledged', 'lost', 'duplicated', 'recovered in']));
let wrong = 0;
for (const fault of [...faults, ...historyFaults]) {
	if (wanted.length > 0 && !wanted.some(word => fault.what.includes(word))) continue;
	const outcome = await fault.run(fault.trials * times);
	const {trials, acknowledged = '-', lost = '-', duplicated = '-', remark} = outcome;
	console.log(
		line([fault.what, String(trials), String(acknowledged), String(lost), String(duplicated), recoveredIn(outcome)]),
	);
	if (remark !== undefined) console.log(`  ${remark}`);
	const found = [
		...outcome.faults,
		...(Number(lost) > 0 ? ['acknowledged messages are lost'] : []),
		...(Number(duplicated) > 0 ? ['messages stand there twice'] : []),
	];
	for (const each of found) console.log(`  WRONG: ${each}`);
	wrong += found.length;
}
process.exitCode = wrong === 0 ? 0 : 1;
