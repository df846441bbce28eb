import type {Limits} from './limits.ts';

/** What one channel takes of the share of its token's holder. */
export interface Lease {
	readonly bindings: number;
	/** Gives it back. */
	release(): void;
	/** Ends the channel, whose room another socket needs; null while it cannot be ended yet. */
	end: (() => void) | null;
}

/** What one holder of a token has joined, by socket; newest last. */
type Share = Map<object, Set<Lease>>;

type Amount = 'channels' | 'bindings';

/**
 * Keeps the holders of tokens from filling the hub with channels; a channel that ends gives back what it took. Many may hold the
 * same token, the anon key above all: where there is no room left, the socket with the most gives way to one that has less.
 */
export class Shares {
	readonly #limits: Limits;
	readonly #shares = new Map<string, Share>();

	constructor(limits: Limits) {
		this.#limits = limits;
	}

	/** One channel with that many bindings on that socket; null when there is no room for it. */
	take(holder: string, socket: object, bindings: number): Lease | null {
		const share = this.#shares.get(holder) ?? new Map<object, Set<Lease>>();
		const wanted = {channels: 1, bindings};
		for (const amount of ['channels', 'bindings'] as const) {
			while (total(share, amount) + wanted[amount] > this.#limit(holder, amount)) {
				if (!makeRoom(share, socket, amount, wanted[amount])) return null;
			}
		}
		const own = share.get(socket) ?? new Set();
		const lease: Lease = {
			bindings,
			release: () => {
				own.delete(lease);
				if (own.size === 0 && share.get(socket) === own) share.delete(socket);
				if (share.size === 0 && this.#shares.get(holder) === share) this.#shares.delete(holder);
			},
			end: null,
		};
		own.add(lease);
		share.set(socket, own);
		this.#shares.set(holder, share);
		return lease;
	}

	#limit(holder: string, amount: Amount): number {
		const {holderChannels, anonChannels, holderBindings, anonBindings} = this.#limits;
		if (amount === 'channels') return holder === 'anon' ? anonChannels : holderChannels;
		return holder === 'anon' ? anonBindings : holderBindings;
	}
}

/** Ends the newest channel of the socket that has the most; false where that has no more than the one that asks would have. */
function makeRoom(share: Share, socket: object, amount: Amount, wanted: number): boolean {
	const own = held(share.get(socket) ?? new Set(), amount) + wanted;
	const [most] = [...share.values()].sort((one, other) => held(other, amount) - held(one, amount));
	if (most === undefined || held(most, amount) <= own) return false;
	const last = [...most].findLast(({end, bindings}) => end !== null && (amount === 'channels' || bindings > 0));
	if (last === undefined) return false;
	last.release();
	last.end?.();
	return true;
}

function total(share: Share, amount: Amount): number {
	let sum = 0;
	for (const leases of share.values()) sum += held(leases, amount);
	return sum;
}

function held(leases: ReadonlySet<Lease>, amount: Amount): number {
	if (amount === 'channels') return leases.size;
	let sum = 0;
	for (const {bindings} of leases) sum += bindings;
	return sum;
}
