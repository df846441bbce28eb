import type {clientStatus} from './client-status.ts';

interface TurnOptions {
	readonly status: () => ReturnType<typeof clientStatus>;
	/** Whether, as far as the client's hooks reported, the turn is still going on. */
	readonly isOpen: () => boolean;
	/** Called when the turn has ended; `interrupted` if no hook reported that: the user pressed Esc. */
	readonly onEnd: (interrupted: boolean) => void;
	/** Milliseconds between two checks, and for which the client must have been idle, since hooks take some time. */
	readonly every?: number;
	/** Milliseconds after which a hook that reported the end has either told the mailbox or been killed. */
	readonly hookTime?: number;
}

/** Detects the end of a turn that no hook reports, as when the user presses Esc in Claude Code. Checks only during a turn. */
export class Turn {
	readonly #options: Required<TurnOptions>;
	#clock: NodeJS.Timeout | null = null;
	#reported = false;

	constructor(options: TurnOptions) {
		this.#options = {every: 1000, hookTime: 6000, ...options};
	}

	/** To be called with what the mailbox says: whether a turn is going on. */
	follow(isRunning: boolean): void {
		if (isRunning) this.#clock ??= setInterval(() => this.#check(), this.#options.every);
		else this.end();
		if (!isRunning) this.#reported = false;
	}

	end(): void {
		if (this.#clock !== null) clearInterval(this.#clock);
		this.#clock = null;
	}

	#check(): void {
		const {status, isOpen, onEnd, every, hookTime} = this.#options;
		const now = status();
		if (now === null) return;
		const idleFor = now.status === 'idle' ? Date.now() - now.since : 0;
		const interrupted = isOpen();
		const ended = idleFor >= (interrupted ? every : hookTime);
		// Reported once: the agent may still be working in another client.
		if (ended && !this.#reported) onEnd(interrupted);
		this.#reported = ended;
	}
}
