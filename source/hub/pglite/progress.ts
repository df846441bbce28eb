const begun = 0;
const current = 1;
const nothing = 0n;

/**
 * Shared between the database's thread and its caller: which call is running. Calls have ids from 1. To cancel a call safely, the caller
 * must prevent the next one from starting between the check that the call is running and the interrupt.
 */
export class Progress {
	static readonly bytes = 16;

	/** The call that began last, then the call that is running: its id, negative while it is being cancelled, 0 if there is none to cancel. */
	readonly #cells: BigInt64Array;

	constructor(shared: SharedArrayBuffer) {
		this.#cells = new BigInt64Array(shared);
	}

	/** The id of the call that began last. If the thread dies, later calls had not begun. */
	get begun(): number {
		return Number(Atomics.load(this.#cells, begun));
	}

	begin(id: number): void {
		Atomics.store(this.#cells, begun, BigInt(id));
		Atomics.store(this.#cells, current, BigInt(id));
	}

	/** Ends the call; waits if it is just being cancelled. Returns whether it was cancelled. */
	end(id: number): boolean {
		const was = Atomics.compareExchange(this.#cells, current, BigInt(id), nothing);
		if (was === BigInt(id)) return false;
		Atomics.wait(this.#cells, current, BigInt(-id));
		return true;
	}

	/** Runs `interrupt` while the call is kept from ending. Returns false, and does nothing, if it is not running or was already cancelled. */
	cancel(id: number, interrupt: () => void): boolean {
		if (Atomics.compareExchange(this.#cells, current, BigInt(id), BigInt(-id)) !== BigInt(id)) return false;
		interrupt();
		Atomics.store(this.#cells, current, nothing);
		Atomics.notify(this.#cells, current);
		return true;
	}

	/** Call before starting the next thread, after one has died. */
	reset(): void {
		Atomics.store(this.#cells, current, nothing);
	}
}
