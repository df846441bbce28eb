import type {HubRequest} from './http.ts';

/** The requests that are being answered. */
export class UnderWay {
	readonly #requests = new Map<HubRequest, Promise<unknown>>();

	/** As `answer`. */
	async follow<T>(request: HubRequest, answer: Promise<T>): Promise<T> {
		this.#requests.set(request, answer);
		try {
			return await answer;
		} finally {
			this.#requests.delete(request);
		}
	}

	/** Waits until those that are meant have come to their end, for `limit` milliseconds at most. How many have not. */
	async settle(isMeant: (request: HubRequest) => boolean, limit: number): Promise<number> {
		const meant = [...this.#requests].filter(([request]) => isMeant(request));
		const late = Promise.withResolvers<void>();
		const timer = setTimeout(late.resolve, limit);
		await Promise.race([late.promise, Promise.allSettled(meant.map(([, answer]) => answer))]);
		clearTimeout(timer);
		return meant.filter(([request]) => this.#requests.has(request)).length;
	}
}
