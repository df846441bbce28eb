import type {Call} from './rpc.ts';

/** The mail that one hook has leased, until it has handed it over. */
export class Take {
	/** Its id in the database. */
	readonly id: string;
	#isOpen = false;

	/** `id` must be unique among hooks, with at most 64 characters. */
	constructor(id: string) {
		this.id = id;
	}

	/** Whether it may hold mail. */
	get isOpen(): boolean {
		return this.#isOpen;
	}

	/** To be called before the request: from then on mail may be leased, whether the answer arrives or not. */
	begin(): void {
		this.#isOpen = true;
	}

	/** To be called when all of it was handed over, or there was none. */
	end(): void {
		this.#isOpen = false;
	}

	/**
	 * Releases mail that was not handed over, if there may be any; with `isUnseen`, the client cannot have seen it. Rejects if the
	 * request fails.
	 */
	async giveBack(call: Call, {isUnseen = false} = {}): Promise<void> {
		if (this.#isOpen) await call('receipt_release', {p_take_id: this.id, ...(isUnseen ? {p_unseen: true} : {})});
		this.#isOpen = false;
	}
}
