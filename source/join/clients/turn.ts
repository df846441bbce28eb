import type {clientStatus} from './client-status.ts';

interface Watching {
	readonly status: () => ReturnType<typeof clientStatus>;
	/** Hears that the turn has ended. */
	readonly onEnd: () => void;
	/** Milliseconds between two looks, and that the client must have been idle at one: hooks take their time. */
	readonly every?: number;
}

/** Sees that a turn has ended of whose end no hook tells: Claude Code runs none when the user presses Esc. Looks only while a turn goes on. */
export class Turn {
	readonly #watching: Required<Watching>;
	#clock: NodeJS.Timeout | null = null;
	#told = false;

	constructor(watching: Watching) {
		this.#watching = {every: 1000, ...watching};
	}

	/** As far as the hooks tell, one goes on (`true`) or not. */
	follow(goesOn: boolean): void {
		if (goesOn) this.#clock ??= setInterval(() => this.#look(), this.#watching.every);
		else this.end();
		if (!goesOn) this.#told = false;
	}

	end(): void {
		if (this.#clock !== null) clearInterval(this.#clock);
		this.#clock = null;
	}

	#look(): void {
		const {status, onEnd, every} = this.#watching;
		const now = status();
		if (now === null) return;
		const ended = now.status === 'idle' && Date.now() - now.since >= every;
		// Once: the agent may go on working in another client.
		if (ended && !this.#told) onEnd();
		this.#told = ended;
	}
}
