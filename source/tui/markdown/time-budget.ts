import {createContext, Script} from 'node:vm';

/** A separate context, only because `runInContext` can set a deadline; `work` still runs in its own context. */
const room = createContext({work: (): unknown => null}) as {work: () => unknown};
const script = new Script('work()');
/** On a busy machine the deadline may pass before the work had its CPU time: below half of it, the work is started again. */
const maxAttempts = 4;

/**
 * Limits the time of work on untrusted text: Markdown's lexer and the highlighter need seconds for some texts of a few thousand
 * characters. Counts CPU time, not waiting.
 */
export class TimeBudget {
	#left: number;

	/** In milliseconds, for all work on this budget together. */
	constructor(milliseconds: number) {
		this.#left = milliseconds;
	}

	/**
	 * Returns the result of `work`; null once the time is used up. It may be stopped anywhere and started again, so it must not
	 * change anything that outlives it.
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

	/** The same for work that takes at most `most` milliseconds of CPU time: no deadline is set, and the CPU's clock is not read. */
	runShort<T>(work: () => T, most: number): T | null {
		if (this.#left <= 0) return null;
		const start = performance.now();
		try {
			return work();
		} finally {
			this.#left -= Math.min(performance.now() - start, most);
		}
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
