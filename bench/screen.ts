import {spawn, type IPty} from '@lydell/node-pty';
import {cli, pause, type Hub} from './measure.ts';

interface Waiting {
	readonly text: string;
	readonly resolve: (at: number) => void;
	seen: string;
}

/** A program in a pty of 200x50, the built one unless told otherwise; tells when given bytes were written. */
export class Screen {
	readonly #terminal: IPty;
	readonly #waiting = new Set<Waiting>();
	readonly #ended: Promise<void>;
	#tail = '';

	constructor(hub: Hub, words: string[] = [cli]) {
		this.#terminal = spawn(process.execPath, words, {cols: 200, rows: 50, env: hub.env});
		this.#terminal.onData(data => {
			this.#hear(data, performance.now());
		});
		this.#ended = new Promise(resolve => {
			this.#terminal.onExit(() => {
				resolve();
			});
		});
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

	#hear(data: string, at: number): void {
		this.#tail = (this.#tail + data).slice(-20_000);
		for (const waiting of this.#waiting) {
			waiting.seen += data;
			if (waiting.seen.includes(waiting.text)) waiting.resolve(at);
		}
	}
}
