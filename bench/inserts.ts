import {closeSync, fsyncSync, openSync, writeSync} from 'node:fs';
import path from 'node:path';
import {insert, type Figure, type Hub} from './measure.ts';

const seconds = 4;
const clients = 8;

/** Durable inserts a second over REST by eight clients at once; floor: appends to a file that are each fsynced. */
export async function durableInserts(hub: Hub): Promise<Figure> {
	const floor = fsyncedAppends(path.join(hub.home, 'floor'));
	const end = performance.now() + seconds * 1000;
	const counts = await Promise.all(
		Array.from({length: clients}, async (_, client) => {
			let count = 0;
			for (; performance.now() < end; count += 1) await insert(hub, `[WRITER_${client}] row ${count}`);
			return count;
		}),
	);
	const rate = counts.reduce((sum, count) => sum + count, 0) / seconds;
	return {
		what: `durable inserts over REST, ${clients} clients`,
		measured: `${rate.toFixed(0)}/s`,
		floor: `appends to a file, each fsynced: ${floor.toFixed(0)}/s`,
		goal: 'none set',
		met: null,
	};
}

function fsyncedAppends(file: string): number {
	const handle = openSync(file, 'a');
	const begin = performance.now();
	let count = 0;
	for (; performance.now() - begin < 1000; count += 1) {
		writeSync(handle, 'x'.repeat(200));
		fsyncSync(handle);
	}
	closeSync(handle);
	return (count * 1000) / (performance.now() - begin);
}
