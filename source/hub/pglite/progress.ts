const begun = 0;
const current = 1;
const nothing = 0n;

/**
 * Which call the database's thread works on, as it and the thread that asks it both see it; calls have ids from 1. Whoever
 * cancels a call must know that it is still the one that runs: between the question and the interrupt the next could begin.
 */
export class Progress {
	static readonly bytes = 16;

	/** The call that was begun last; then the one that runs: its id, negative while somebody cancels it, 0 when none can be. */
	readonly #cells: BigInt64Array;

	constructor(shared: SharedArrayBuffer) {
		this.#cells = new BigInt64Array(shared);
	}

	/** The id of the call that was begun last: those behind it have not been when the thread dies. */
	get begun(): number {
		return Number(Atomics.load(this.#cells, begun));
	}

	begin(id: number): void {
		Atomics.store(this.#cells, begun, BigInt(id));
		Atomics.store(this.#cells, current, BigInt(id));
	}

	/** The call is over; waits for whoever is cancelling it just now. Returns whether somebody did. */
	end(id: number): boolean {
		const was = Atomics.compareExchange(this.#cells, current, BigInt(id), nothing);
		if (was === BigInt(id)) return false;
		Atomics.wait(this.#cells, current, BigInt(-id));
		return true;
	}

	/** Runs `interrupt` while the call cannot end. Returns false, having done nothing, where it does not run, or was cancelled before. */
	cancel(id: number, interrupt: () => void): boolean {
		if (Atomics.compareExchange(this.#cells, current, BigInt(id), BigInt(-id)) !== BigInt(id)) return false;
		interrupt();
		Atomics.store(this.#cells, current, nothing);
		Atomics.notify(this.#cells, current);
		return true;
	}

	/** For the next thread, after one that has died. */
	reset(): void {
		Atomics.store(this.#cells, current, nothing);
	}
}
