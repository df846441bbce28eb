import type {clientStatus} from './client-status.ts';

interface TurnOptions {
	readonly status: () => ReturnType<typeof clientStatus>;
	/** Called when the turn has ended. */
	readonly onEnd: () => void;
	/** Milliseconds between two checks, and for which the client must have been idle, since hooks take some time. */
	readonly every?: number;
}

/** Detects the end of a turn that no hook reports: Claude Code runs none when the user presses Esc. Checks only during a turn. */
export class Turn {
	readonly #options: Required<TurnOptions>;
	#clock: NodeJS.Timeout | null = null;
	#reported = false;

	constructor(options: TurnOptions) {
		this.#options = {every: 1000, ...options};
	}

	/** To be called with what the hooks report: whether a turn is going on. */
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
		const {status, onEnd, every} = this.#options;
		const now = status();
		if (now === null) return;
		const ended = now.status === 'idle' && Date.now() - now.since >= every;
		// Reported once: the agent may still be working in another client.
		if (ended && !this.#reported) onEnd();
		this.#reported = ended;
	}
}
