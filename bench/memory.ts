import {spawn} from 'node:child_process';
import {pause, residentMegabytes, type Figure, type Hub} from './measure.ts';

const goal = 250;

/** The hub's resident memory after all the figures before it were taken on it; peer: an idle node process. */
export async function hubMemory(hub: Hub): Promise<Figure> {
	const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {stdio: 'ignore'});
	await pause(500);
	const floor = idle.pid === undefined ? Number.NaN : residentMegabytes(idle.pid);
	idle.kill();
	const resident = residentMegabytes(hub.pid);
	return {
		what: 'hub RSS after the run',
		measured: `${resident.toFixed(0)} MB`,
		floor: `idle node process: ${floor.toFixed(0)} MB`,
		goal: `≤ ${goal} MB`,
		met: resident <= goal,
	};
}
