import type {Limits} from './limits.ts';

/** What one holder of a token has joined, on all its sockets together. */
interface Share {
	channels: number;
	bindings: number;
}

/** Keeps the holders of tokens from filling the hub with channels; a channel that ends gives back what it took. */
export class Shares {
	readonly #limits: Limits;
	readonly #shares = new Map<string, Share>();

	constructor(limits: Limits) {
		this.#limits = limits;
	}

	/** One channel with so many bindings: how to give it back, or null when the holder has no room for it. */
	take(holder: string, bindings: number): (() => void) | null {
		const {holderChannels, anonChannels, holderBindings, anonBindings} = this.#limits;
		const share = this.#shares.get(holder) ?? {channels: 0, bindings: 0};
		const isAnon = holder === 'anon';
		if (share.channels + 1 > (isAnon ? anonChannels : holderChannels)) return null;
		if (share.bindings + bindings > (isAnon ? anonBindings : holderBindings)) return null;
		share.channels += 1;
		share.bindings += bindings;
		this.#shares.set(holder, share);
		let held = true;
		return () => {
			if (!held) return;
			held = false;
			share.channels -= 1;
			share.bindings -= bindings;
			if (share.channels === 0) this.#shares.delete(holder);
		};
	}
}
