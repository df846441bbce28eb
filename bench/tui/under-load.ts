import {spawn} from 'node:child_process';
import {once} from 'node:events';
import path from 'node:path';
import {median, pause, type Hub} from '../measure.ts';
import {Screen} from '../screen.ts';
import {processorTime} from './process.ts';

/** A program that shows the mailbox. */
export interface Program {
	readonly name: string;
	readonly words: string[];
	/** What it writes once it shows something. */
	readonly ready: string;
	/** What opens its line to write on. */
	readonly compose: string;
	/** What empties that line again, where a draft outlives the program. */
	readonly empties: string;
	/** What it writes when the line holds this text; absent: it places the cursor behind it. */
	readonly shows?: (typed: string) => string;
}

export const size = {columns: 300, rows: 80};
/** The row of the line to write on: the last but one. */
const row = size.rows - 1;
export const perSecond = 1000;
/** Messages of one transaction: the hub, which shares two cores with everything else here, makes 500 a second of one each. */
const atOnce = 20;
/** How often a second a key that is held down repeats, here: more often than frames may be drawn. */
export const repeats = 100;
const keys = 150;
const seconds = 8;

export interface UnderLoad {
	/** Milliseconds from a key to the bytes that show it. */
	readonly taken: readonly number[];
	/** Frames a second. */
	readonly frames: number;
	/** The same while a key is held down. */
	readonly heldFrames: number;
	/** Transactions a second that brought messages. */
	readonly bursts: number;
	/** Messages a second that really came. */
	readonly rate: number;
	/** Since it was ready: whole clears. */
	readonly clears: number;
	/** Bytes for each key while nothing else changes. */
	readonly bytesPerKey: number;
	/** Percent of one core, while nobody types. */
	readonly processor: number;
}

/** One program after the other in the same mailbox, under the same load and with the same keys. */
export async function underLoad(hub: Hub, program: Program): Promise<UnderLoad> {
	const screen = new Screen(hub, program.words, size);
	let load: Load | null = null;
	try {
		await screen.waitFor(program.ready);
		await screen.settle(1500);
		screen.write(program.compose);
		await screen.settle();
		const first = screen.written;
		const bytesPerKey = await bytesOfKeys(screen);
		load = messages(hub, {perSecond, atOnce, tags: 6});
		await screen.settle(2000);
		const begin = processorTime(screen.pid);
		const frames = await framesOf(screen);
		const processor = (processorTime(screen.pid) - begin) / seconds / 10;
		const taken = await type(screen, program);
		const heldFrames = await held(screen);
		screen.write(program.empties);
		const {sent, bursts, took} = await load.end();
		return {
			taken,
			frames,
			heldFrames,
			bursts: (bursts * 1000) / took,
			rate: (sent * 1000) / took,
			clears: screen.written.clears - first.clears,
			bytesPerKey,
			processor,
		};
	} finally {
		await Promise.all([load?.end(), screen.end()]);
	}
}

async function framesOf(screen: Screen): Promise<number> {
	const {frames} = screen.written;
	await pause(seconds * 1000);
	return (screen.written.frames - frames) / seconds;
}

async function held(screen: Screen): Promise<number> {
	let count = 0;
	// Another letter each time: a full line of one letter looks the same with one more.
	const key = setInterval(() => screen.write(String.fromCodePoint(97 + (count++ % 26))), 1000 / repeats);
	try {
		await screen.settle(1000);
		return await framesOf(screen);
	} finally {
		clearInterval(key);
	}
}

/** So many letters are typed before the load. */
const before = 20;

async function bytesOfKeys(screen: Screen): Promise<number> {
	const each: number[] = [];
	for (let key = 0; key < before; key += 1) {
		const {bytes} = screen.written;
		screen.write('x');
		await pause(150);
		each.push(screen.written.bytes - bytes);
	}
	return median(each);
}

async function type(screen: Screen, {shows}: Program): Promise<number[]> {
	let typed = 'x'.repeat(before);
	const margin = (screen.cursorColumn(row) ?? 0) - typed.length;
	const placed = (text: string) => `\u001B[${row};${margin + text.length}H`;
	const taken: number[] = [];
	for (let key = 0; key < keys; key += 1) {
		const letter = String.fromCodePoint(97 + (key % 26));
		typed += letter;
		const shown = screen.waitFor((shows ?? placed)(typed));
		const begin = performance.now();
		screen.write(letter);
		taken.push((await shown) - begin);
		await pause(15 + Math.random() * 20);
	}
	return taken;
}

interface Load {
	/** How much was inserted, in how many transactions, in how many milliseconds. */
	end(): Promise<{readonly sent: number; readonly bursts: number; readonly took: number}>;
}

/** Percent of one core that a program takes while twenty agents write a hundred messages a second, each in a transaction of its own. */
export async function twentyAgents(hub: Hub, program: Program): Promise<number> {
	const screen = new Screen(hub, program.words, size);
	let load: Load | null = null;
	try {
		await screen.waitFor(program.ready);
		load = messages(hub, {perSecond: 100, atOnce: 1, tags: 20});
		await screen.settle(2000);
		const begin = processorTime(screen.pid);
		await pause(seconds * 1000);
		return (processorTime(screen.pid) - begin) / seconds / 10;
	} finally {
		await Promise.all([load?.end(), screen.end()]);
	}
}

interface Rate {
	readonly perSecond: number;
	/** Messages of one transaction. */
	readonly atOnce: number;
	/** How many agents write them. */
	readonly tags: number;
}

function messages(hub: Hub, rate: Rate): Load {
	const child = spawn(
		process.execPath,
		[path.join(import.meta.dirname, 'load.ts'), ...[rate.perSecond, rate.atOnce, rate.tags].map(String)],
		{
			env: {...hub.env, HUB_URL: hub.url, HUB_KEY: hub.key},
			stdio: ['pipe', 'pipe', 'inherit'],
		},
	);
	const closed = once(child, 'close');
	let said = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
	return {
		async end() {
			child.stdin.end();
			await closed;
			return JSON.parse(said) as Awaited<ReturnType<Load['end']>>;
		},
	};
}
