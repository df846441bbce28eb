import {createContext, Script} from 'node:vm';

/** Called in a context of its own only because a deadline can be set there; what it calls runs where it was made. */
const room = createContext({work: (): unknown => null}) as {work: () => unknown};
const script = new Script('work()');
/** A busy machine runs us late: work that was stopped before it had used half of its time is begun again. */
const maxAttempts = 4;

/**
 * Time for work whose end cannot be foreseen, since it follows a text that somebody else wrote: Markdown's lexer and the
 * highlighter need seconds for some texts of a few thousand characters. What counts is time spent computing, not waiting.
 */
export class TimeBudget {
	#left: number;

	/** In milliseconds, for everything that is run on it together. */
	constructor(milliseconds: number) {
		this.#left = milliseconds;
	}

	/**
	 * What `work` returns; null once the time is used up. It is stopped wherever it is and may be begun again, so it must
	 * change nothing that outlives it.
	 */
	run<T>(work: () => T): T | null {
		for (let attempt = 1; attempt <= maxAttempts && this.#left > 0; attempt++) {
			const before = this.#left;
			try {
				return this.#spend(() => {
					room.work = work;
					return script.runInContext(room, {timeout: Math.ceil(before)}) as T;
				});
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
				if (this.#left < before / 2) this.#left = 0;
			}
		}
		this.#left = 0;
		return null;
	}

	/** The same for work that is known to be short: it is not stopped, and setting no deadline is cheaper. */
	runShort<T>(work: () => T): T | null {
		return this.#left > 0 ? this.#spend(work) : null;
	}

	#spend<T>(work: () => T): T {
		const [start, cpu] = [performance.now(), process.cpuUsage()];
		try {
			return work();
		} finally {
			const {user, system} = process.cpuUsage(cpu);
			this.#left -= Math.min(performance.now() - start, (user + system) / 1000);
		}
	}
}
