// npm run security [-- NAME ...] [-- --long]: attacks the built program, and prints attack by attack what came of it.
// Exits 1 when one succeeded.
import {attacks} from './attacks.ts';
import {Tally} from './attack.ts';
import {Targets} from './target.ts';

const words = process.argv.slice(2);
const long = words.includes('--long');
const wanted = words.filter(word => !word.startsWith('--'));
const unknown = wanted.filter(word => !attacks.some(({name}) => name === word));
if (unknown.length > 0) {
	console.error(`There is no attack ${unknown.join(', ')}. There are: ${attacks.map(({name}) => name).join(', ')}.`);
	process.exit(2);
}

const widths = [12, 66, 8, 9, 13, 10, 9];
const line = (cells: readonly (string | number)[]): string =>
	cells
		.map((cell, column) => {
			const text = String(cell);
			return column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
		})
		.join('');

console.log(line(['attack', '', 'tries', 'refused', 'neutralised', 'succeeded', 'seconds']));
const targets = new Targets();
const sums = {tries: 0, succeeded: 0};
for (const attack of attacks) {
	if (wanted.length > 0 && !wanted.includes(attack.name)) continue;
	const tally = new Tally();
	const begun = performance.now();
	try {
		await attack.run({targets, tally, long});
	} catch (error) {
		// An attack that could not be carried out has shown nothing.
		tally.breach(`not carried out: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
	}
	if (tally.tries === 0 && tally.skipped.length === 0) tally.breach('nothing was tried');
	const {tries, refused, neutralised, breaches, skipped} = tally;
	const seconds = ((performance.now() - begun) / 1000).toFixed(1);
	console.log(line([attack.name, attack.what, tries, refused, neutralised, breaches.length, seconds]));
	for (const each of skipped) console.log(`  skipped: ${each}`);
	for (const each of breaches) console.log(`  WRONG: ${each}`);
	sums.tries += tries;
	sums.succeeded += breaches.length;
}
await targets.stop();
console.log(`${sums.tries} tries, ${sums.succeeded === 0 ? 'none' : sums.succeeded} succeeded.`);
process.exit(sums.succeeded === 0 ? 0 : 1);
