import {agentmux, pause, residentMegabytes, type Hub} from '../measure.ts';
import {Screen} from '../screen.ts';
import {peakMegabytes, processorTime} from './process.ts';
import {size, type Program} from './under-load.ts';

/** Rows of one statement: PGlite has one session, which it holds as long. */
const atOnce = 20_000;

/** Fills the mailbox with SQL, as old as yesterday: nothing on the screen changes with the time. */
export function fill(hub: Hub, count: number): void {
	for (let from = 0; from < count; from += atOnce) {
		const to = Math.min(count, from + atOnce) - 1;
		agentmux(
			hub.env,
			'sql',
			`insert into messages (content, created_at) select '[LOAD_' || (n % 6 + 1) || '] number ' || n || ': the tests of the parser pass now, see \`source/parser.ts\`: the **second** branch was never taken' || case when n % 3 = 0 then ' @LOAD_' || ((n + 1) % 6 + 1) else '' end, now() - interval '1 day' from generate_series(${from}, ${to}) n`,
		);
	}
}

export interface Memory {
	/** MB after opening, after scrolling through it, and the most in between. */
	readonly opened: number;
	readonly scrolled: number;
	readonly peak: number;
}

const pages = 400;

/** Opens the mailbox, scrolls back page by page, to the oldest and to the newest, and through a second pane. */
export async function memory(hub: Hub, {words, ready}: Program, scroll: boolean): Promise<Memory> {
	const screen = new Screen(hub, words, size);
	try {
		await screen.waitFor(ready);
		await screen.settle(2000);
		const opened = residentMegabytes(screen.pid);
		if (scroll) {
			for (const pane of ['\t', '\t']) {
				screen.write(pane);
				for (let page = 0; page < pages; page += 1) {
					screen.write('\u001B[5~');
					await pause(15);
				}
				screen.write('g');
				await screen.settle(1000);
				screen.write('\u001B[6~'.repeat(20));
				await screen.settle();
				screen.write('G');
				await screen.settle(1000);
			}
		}
		return {opened, scrolled: residentMegabytes(screen.pid), peak: peakMegabytes(screen.pid)};
	} finally {
		await screen.end();
	}
}

export interface Idle {
	readonly bytes: number;
	/** Percent of one core. */
	readonly processor: number;
}

const idleSeconds = 25;

/** Nothing comes, nobody types. */
export async function idle(hub: Hub, {words, ready}: Program): Promise<Idle> {
	const screen = new Screen(hub, words, size);
	try {
		await screen.waitFor(ready);
		await screen.settle(5000);
		const begin = {...screen.written, processor: processorTime(screen.pid)};
		await pause(idleSeconds * 1000);
		const processor = (processorTime(screen.pid) - begin.processor) / idleSeconds / 10;
		return {bytes: screen.written.bytes - begin.bytes, processor};
	} finally {
		await screen.end();
	}
}
