import {insert, median, pause, spread, type Figure, type Hub} from './measure.ts';
import {Screen} from './screen.ts';

const rounds = 200;
const goal = 10;

/** From before an INSERT is sent over REST until its text stands in the terminal's bytes; floor: that INSERT's own answer. */
export async function insertToScreen(hub: Hub): Promise<Figure> {
	const screen = new Screen(hub);
	try {
		await screen.waitFor('live');
		await insert(hub, '[BENCH] warm up');
		await screen.settle();
		const seen: number[] = [];
		const answered: number[] = [];
		let mark = '';
		for (let round = 0; round < rounds; round += 1) {
			mark = otherThan(mark);
			const shown = screen.waitFor(mark);
			const begin = performance.now();
			await insert(hub, `[BENCH] ${mark}`);
			answered.push(performance.now() - begin);
			seen.push((await shown) - begin);
			await pause(10 + Math.random() * 20);
		}
		return {
			what: 'INSERT over REST to bytes on the screen',
			measured: spread(seen),
			floor: `the INSERT's own answer: ${spread(answered)}`,
			goal: `p50 ≤ ${goal} ms`,
			met: median(seen) <= goal,
		};
	} finally {
		await screen.end();
	}
}

/** A word with another letter at every place than the last one, since only cells that changed are written. */
function otherThan(last: string): string {
	return Array.from({length: 10}, (_, place) => {
		const letter = String.fromCodePoint(97 + Math.floor(Math.random() * 26));
		return letter === last[place] ? letter.toUpperCase() : letter;
	}).join('');
}
