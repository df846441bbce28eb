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
		for (let round = 0; round < rounds; round += 1) {
			const mark = `mark${round}x${Math.random().toString(36).slice(2, 8)}`;
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
