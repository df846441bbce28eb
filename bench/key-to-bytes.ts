import {insert, pause, quantile, spread, type Figure, type Hub} from './measure.ts';
import {Screen} from './screen.ts';

const keys = 150;
const perSecond = 100;
const goal = 16;
/** The compose line's row at 200x50: the last but one. */
const row = 49;

// What a program needs that does nothing but echo: raw mode, and each key written where it belongs.
const bareEcho = `process.stdin.setRawMode(true); let column = 1; process.stdout.write('ready');
process.stdin.on('data', keys => { for (const key of String(keys)) process.stdout.write('\\x1b[${row};' + column + 'H' + key + '\\x1b[${row};' + ++column + 'H'); });`;

/**
 * From a key written to the pty until the cursor was placed behind its letter in the compose line, at 200x50 while 100
 * messages a second arrive. Floor: a bare echo program in a pty under the same load.
 */
export async function keyToBytes(hub: Hub): Promise<Figure> {
	const screen = new Screen(hub);
	const echo = new Screen(hub, ['-e', bareEcho]);
	await Promise.all([screen.waitFor('live'), echo.waitFor('ready')]);
	const load = messages(hub);
	try {
		await screen.settle(1000);
		screen.write('c');
		await screen.settle();
		const taken = await type(screen);
		const floor = await type(echo);
		return {
			what: `key to bytes at 200x50 with ${perSecond} messages/s`,
			measured: spread(taken),
			floor: `bare echo under the same load: ${spread(floor)}`,
			goal: `p95 ≤ ${goal} ms`,
			met: quantile(taken, 0.95) <= goal,
		};
	} finally {
		const rate = await load.end();
		if (rate < perSecond * 0.9) console.log(`  (the load fell to ${rate.toFixed(0)} messages/s)`);
		await Promise.all([screen.end(), echo.end()]);
	}
}

/** Letter after letter; each was shown when the cursor was placed one column further on. */
async function type(screen: Screen): Promise<number[]> {
	screen.write('x');
	await screen.settle();
	const first = screen.cursorColumn(row);
	if (first === null) throw new Error(`the cursor was never placed on row ${row}`);
	const taken: number[] = [];
	for (let key = 1; key <= keys; key += 1) {
		const shown = screen.waitFor(`\u001B[${row};${first + key}H`);
		const begin = performance.now();
		screen.write('x');
		taken.push((await shown) - begin);
		await pause(15 + Math.random() * 20);
	}
	return taken;
}

/** Inserts at the given rate until ended; `end` resolves with the rate that was reached. */
function messages(hub: Hub): {end: () => Promise<number>} {
	const ended = new AbortController();
	const begin = performance.now();
	let sent = 0;
	const load = (async () => {
		for (; !ended.signal.aborted; sent += 1) {
			await insert(
				hub,
				`[LOAD_${sent % 3}] message ${sent} of a busy night, long enough to be wrapped in its pane @LOAD_${(sent + 1) % 3}`,
			);
			await pause(Math.max(0, begin + (sent * 1000) / perSecond - performance.now()));
		}
	})();
	return {
		async end() {
			ended.abort();
			await load;
			return (sent * 1000) / (performance.now() - begin);
		},
	};
}
