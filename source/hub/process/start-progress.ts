import type {Log} from '../files/log.ts';

/** Milliseconds between two sentences about the same work; programs that wait for the hub take none for two minutes as a failure. */
const every = 10_000;

/**
 * Publishes what the hub is working on while it starts, and every ten seconds how long that has taken: a migration of a million messages
 * takes minutes, and whoever waits for it must see that the hub is alive.
 */
export class StartProgress {
	readonly #log: Log;
	readonly #publish: (sentence: string | null) => void;
	#timer: NodeJS.Timeout | undefined;
	#sentence: string | null = null;
	#isOver = false;

	constructor(log: Log, publish: (sentence: string | null) => void) {
		this.#log = log;
		this.#publish = publish;
	}

	/** Logs and publishes a sentence; null if nothing is under way. */
	tell(sentence: string | null): void {
		// Said again at each attempt.
		if (sentence === this.#sentence && !this.#isOver) return;
		this.#sentence = sentence;
		clearInterval(this.#timer);
		if (sentence !== null) this.#log(sentence);
		this.#publish(sentence);
		if (sentence === null || this.#isOver) return;
		const begun = performance.now();
		this.#timer = setInterval(() => {
			const seconds = Math.round((performance.now() - begun) / 1000);
			this.#publish(`${sentence.replace(/\.$/, '')} (${seconds} s so far).`);
		}, every);
	}

	/** Call when the database is open; later sentences are published once. */
	end(): void {
		this.#isOver = true;
		clearInterval(this.#timer);
	}
}
