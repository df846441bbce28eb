import type {ReadStream} from 'node:tty';
import type {Screen} from '../screen/screen.ts';
import type {Terminal} from '../terminal/terminal.ts';

/** Lends the terminal to another program. */
export interface Suspension {
	/** Another program has the terminal, so input is not for us. */
	readonly isNow: boolean;
	/**
	 * Lends the terminal while `work` runs, and takes it back afterwards. `ended` is aborted when the program ends; `work` then has a
	 * moment to finish.
	 */
	run<T>(work: (ended: AbortSignal) => Promise<T>): Promise<T>;
	/** Ends the program that has the terminal, and waits for it for at most a second. */
	end(): Promise<void>;
}

const timeout = 1000;

export function createSuspension(stdin: ReadStream, screen: Screen, terminal: Terminal): Suspension {
	const ended = new AbortController();
	let running: Promise<unknown> | null = null;

	async function lend<T>(work: (ended: AbortSignal) => Promise<T>): Promise<T> {
		screen.pause();
		stdin.pause();
		const takeBack = terminal.lend();
		try {
			return await work(ended.signal);
		} finally {
			running = null;
			takeBack();
			stdin.resume();
			screen.resume();
		}
	}

	return {
		get isNow() {
			return running !== null;
		},
		run(work) {
			const lent = lend(work);
			running = lent;
			return lent;
		},
		async end() {
			ended.abort();
			if (running === null) return;
			await Promise.race([
				running.catch(() => undefined),
				new Promise(resolve => {
					setTimeout(resolve, timeout).unref();
				}),
			]);
		},
	};
}
