import type {ReadStream} from 'node:tty';
import type {Screen} from '../screen/screen.ts';
import type {Terminal} from '../terminal/terminal.ts';

/** The times in which another program has the terminal. */
export interface Suspension {
	/** Somebody else has it: what is typed is not for us. */
	readonly isNow: boolean;
	/**
	 * Gives the terminal away while `work` runs, and takes it back as it was. `ended` tells `work` that the program ends, and
	 * that it has a moment to do so too.
	 */
	run<T>(work: (ended: AbortSignal) => Promise<T>): Promise<T>;
	/** Ends what has the terminal, and waits for that, but no longer than a second. */
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
