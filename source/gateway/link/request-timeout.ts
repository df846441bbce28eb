/**
 * The time limit of a request. While the hub reports that its database is busy with a long statement, the time does not count: the
 * statement ends or is cancelled, and then the request is served.
 */
export class RequestTimeout {
	readonly #late = new AbortController();
	readonly #timeout: number;
	readonly #isBusy: () => Promise<boolean>;
	#timer: NodeJS.Timeout;
	#isAnswered = false;

	/** `timeout` in milliseconds. */
	constructor(timeout: number, isBusy: () => Promise<boolean>) {
		this.#timeout = timeout;
		this.#isBusy = isBusy;
		this.#timer = this.#start();
	}

	/** Aborted with a TimeoutError when the time is up. */
	get signal(): AbortSignal {
		return this.#late.signal;
	}

	/** The response has begun; its body may take as long again. */
	answered(): void {
		this.#isAnswered = true;
		clearTimeout(this.#timer);
		this.#timer = this.#start();
	}

	/** The request has failed. */
	end(): void {
		this.#isAnswered = true;
		clearTimeout(this.#timer);
	}

	#start(): NodeJS.Timeout {
		const timer = setTimeout(() => void this.#expire(this.#isAnswered), this.#timeout);
		// As that of AbortSignal.timeout, it does not keep the process running.
		timer.unref();
		return timer;
	}

	async #expire(wasAnswered: boolean): Promise<void> {
		const isBusy = !wasAnswered && (await this.#isBusy());
		if (this.#isAnswered !== wasAnswered) return;
		if (isBusy) this.#timer = this.#start();
		else this.#late.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
	}
}
