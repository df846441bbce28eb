// npm run security [-- NAME ...] [-- --long]: attacks the built program, and prints attack by attack what came of it.
// Exits 1 when one succeeded.
import {attacks} from './attacks.ts';
import {Tally, type Attack} from './attack.ts';
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

/** Carries one attack out, and returns what is to be printed of it. */
async function carryOut(attack: Attack): Promise<string[]> {
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
	sums.tries += tries;
	sums.succeeded += breaches.length;
	return [
		line([attack.name, attack.what, tries, refused, neutralised, breaches.length, seconds]),
		...skipped.map(each => `  skipped: ${each}`),
		...breaches.map(each => `  WRONG: ${each}`),
	];
}

// Two at a time, each on hubs of its own: most of it is waiting for programs to start.
const chosen = attacks.filter(({name}) => wanted.length === 0 || wanted.includes(name));
const queue = [...chosen];
const outputs = new Map<Attack, string[]>();
/** In their order, as far as they are done. */
const print = (): void => {
	for (let [first] = chosen; first !== undefined && outputs.has(first); [first] = chosen) {
		console.log(outputs.get(first)?.join('\n'));
		chosen.shift();
	}
};
const work = async (): Promise<void> => {
	for (let attack = queue.shift(); attack !== undefined; attack = queue.shift()) {
		outputs.set(attack, await carryOut(attack));
		print();
	}
};
await Promise.all([work(), work()]);
await targets.stop();
console.log(`${sums.tries} tries, ${sums.succeeded === 0 ? 'none' : sums.succeeded} succeeded.`);
process.exit(sums.succeeded === 0 ? 0 : 1);
