import {spawn} from '@lydell/node-pty';
import {cli, median, ms, type Figure, type Hub} from './measure.ts';

const rounds = 15;
const goal = 2.5;

/** Start to first frame with the hub running, in a pty, beside an empty node process started in a pty in turn. */
export async function startToFirstFrame(hub: Hub): Promise<Figure> {
	const empty: number[] = [];
	const frames: number[] = [];
	for (let round = 0; round <= rounds; round += 1) {
		const floor = await timed(hub, ['-e', '0'], null);
		const frame = await timed(hub, [cli], 'agentmux');
		// The first of each warms the file cache and is not counted.
		if (round === 0) continue;
		empty.push(floor);
		frames.push(frame);
	}
	const ratio = median(frames) / median(empty);
	return {
		what: 'start to first frame, hub running',
		measured: `${ms(median(frames))} = ${ratio.toFixed(1)} × floor`,
		floor: `empty node process: ${ms(median(empty))}`,
		goal: `≤ ${goal} × floor`,
		met: ratio <= goal,
	};
}

/** Milliseconds from spawn until the output holds `until`, or until the process ends. */
function timed(hub: Hub, words: string[], until: string | null): Promise<number> {
	return new Promise(resolve => {
		const begin = performance.now();
		const terminal = spawn(process.execPath, words, {cols: 200, rows: 50, env: hub.env});
		let output = '';
		let elapsed: number | null = null;
		terminal.onData(data => {
			if (until === null || elapsed !== null) return;
			output += data;
			if (!output.includes(until)) return;
			elapsed = performance.now() - begin;
			terminal.kill('SIGTERM');
		});
		terminal.onExit(() => {
			resolve(elapsed ?? performance.now() - begin);
		});
	});
}
