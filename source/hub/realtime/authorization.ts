import type {SubscriberRole} from './changed-rows.ts';
import type {Rights} from './rights.ts';
import {expired, type TokenClaims} from './token.ts';

/** The longest delay that setTimeout supports. */
const maxDelay = 2_147_483_647;

/** What a channel may do, until its token expires. */
export class Authorization {
	readonly #expire: (message: string) => void;
	#holder: TokenClaims;
	#rights: Rights;
	#timer: NodeJS.Timeout | undefined;

	/** Once `watch` has been called, `expire` is called when the current token expires, with the message for the client. */
	constructor(holder: TokenClaims, rights: Rights, expire: (message: string) => void) {
		this.#holder = holder;
		this.#rights = rights;
		this.#expire = expire;
	}

	get token(): string {
		return this.#holder.token;
	}

	get subscriber(): SubscriberRole {
		return this.#holder.subscriber;
	}

	get rights(): Rights {
		return this.#rights;
	}

	renew(holder: TokenClaims, rights: Rights): void {
		this.#holder = holder;
		this.#rights = rights;
		this.watch();
	}

	watch(): void {
		clearTimeout(this.#timer);
		const {expires} = this.#holder;
		if (expires === null) return;
		const delay = expires - Date.now();
		const onTimer = (): void => (delay > maxDelay ? this.watch() : this.#expire(expired(expires)));
		this.#timer = setTimeout(onTimer, Math.min(Math.max(delay, 0), maxDelay));
		this.#timer.unref();
	}

	end(): void {
		clearTimeout(this.#timer);
	}
}
