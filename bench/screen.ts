import {spawn, type IPty} from '@lydell/node-pty';
import {cli, pause, type Hub} from './measure.ts';

interface Waiting {
	readonly text: string;
	readonly resolve: (at: number) => void;
	seen: string;
}

export interface Size {
	readonly columns: number;
	readonly rows: number;
}

/** What a program has written so far. */
export interface Written {
	readonly bytes: number;
	/** Ends of synchronised output (DEC 2026): whole frames. */
	readonly frames: number;
	/** How often everything was erased, at once or line by line. */
	readonly clears: number;
}

/** Erasing the screen, what scrolled off it, all below the cursor; a reset. */
const clear = /\u001B(?:\[[0-3]?J|c)/g;
const frameEnd = /\u001B\[\?2026l/g;
/** Erasing one line and going up to the one above, as Ink does with the whole of its last frame. */
const lineErased = /\u001B\[2K\u001B\[1A/g;

/** A program in a pty, the built one in 200x50 unless told otherwise; tells when given bytes were written, and counts them. */
export class Screen {
	readonly #terminal: IPty;
	readonly #size: Size;
	readonly #waiting = new Set<Waiting>();
	readonly #ended: Promise<void>;
	#tail = '';
	/** The end of the last chunk, in which a sequence may have begun. */
	#rest = '';
	#written: Written = {bytes: 0, frames: 0, clears: 0};

	constructor(hub: Hub, words: string[] = [cli], size: Size = {columns: 200, rows: 50}) {
		this.#size = size;
		this.#terminal = spawn(process.execPath, words, {cols: size.columns, rows: size.rows, env: hub.env});
		this.#terminal.onData(data => {
			this.#hear(data, performance.now());
		});
		this.#ended = new Promise(resolve => {
			this.#terminal.onExit(() => {
				resolve();
			});
		});
	}

	get pid(): number {
		return this.#terminal.pid;
	}

	get written(): Written {
		return this.#written;
	}

	/** The column of the last cursor position written for `row` (both from 1), or null. */
	cursorColumn(row: number): number | null {
		const last = [...this.#tail.matchAll(/\u001B\[(\d+);(\d+)H/g)].findLast(([, at]) => Number(at) === row);
		return last === undefined ? null : Number(last[2]);
	}

	write(keys: string): void {
		this.#terminal.write(keys);
	}

	/** When `text` appears in what is written from now on, by performance.now(); rejects after ten seconds. */
	async waitFor(text: string): Promise<number> {
		const {promise, resolve, reject} = Promise.withResolvers<number>();
		const late = setTimeout(() => {
			reject(
				new Error(
					`${JSON.stringify(text)} was not written in ten seconds; last: ${JSON.stringify(this.#tail.slice(-300))}`,
				),
			);
		}, 10_000);
		const waiting: Waiting = {text, resolve, seen: ''};
		this.#waiting.add(waiting);
		try {
			return await promise;
		} finally {
			clearTimeout(late);
			this.#waiting.delete(waiting);
		}
	}

	async settle(milliseconds = 500): Promise<void> {
		await pause(milliseconds);
	}

	async end(): Promise<void> {
		this.#terminal.kill('SIGTERM');
		await this.#ended;
	}

	#count(data: string): void {
		const text = this.#rest + data;
		// A sequence that was cut off belongs to the next chunk.
		const cut = text.lastIndexOf('\u001B');
		const whole = cut !== -1 && text.length - cut < 12 ? cut : text.length;
		const read = text.slice(0, whole);
		this.#rest = text.slice(whole);
		const {bytes, frames, clears} = this.#written;
		const lines = read.match(lineErased)?.length ?? 0;
		this.#written = {
			bytes: bytes + Buffer.byteLength(data),
			frames: frames + (read.match(frameEnd)?.length ?? 0),
			clears: clears + (read.match(clear)?.length ?? 0) + lines / this.#size.rows,
		};
	}

	#hear(data: string, at: number): void {
		this.#count(data);
		this.#tail = (this.#tail + data).slice(-20_000);
		for (const waiting of this.#waiting) {
			waiting.seen += data;
			if (waiting.seen.includes(waiting.text)) waiting.resolve(at);
		}
	}
}
