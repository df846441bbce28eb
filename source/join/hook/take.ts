import type {Call} from './rpc.ts';

/** The mail that one hook leases, until it has handed it over. */
export class Take {
	/** What the database calls it. */
	readonly id: string;
	#isOpen = false;

	/** `id`: of no other hook; at most 64 characters. */
	constructor(id: string) {
		this.id = id;
	}

	/** It is asked for now: from here on it may be leased, whether the answer comes or not. */
	begin(): void {
		this.#isOpen = true;
	}

	/** All of it was handed over, or there was none. */
	end(): void {
		this.#isOpen = false;
	}

	/** Lets others take what was not handed over, where there may be any; rejects where that cannot be said. */
	async giveBack(call: Call): Promise<void> {
		if (this.#isOpen) await call('receipt_release', {p_take_id: this.id});
		this.#isOpen = false;
	}
}
