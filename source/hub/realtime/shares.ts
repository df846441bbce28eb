import type {Limits} from './limits.ts';

/** The part of a holder's share that one channel uses. */
export interface Reservation {
	readonly bindings: number;
	/** Returns it to the share. */
	release(): void;
	/** Ends the channel, because another socket needs its room; null while it is still joining. */
	end: (() => void) | null;
}

/** The channels of one holder of a token, by socket; newest last. */
type Share = Map<object, Set<Reservation>>;

type Amount = 'channels' | 'bindings';

/**
 * Limits the channels and bindings of each holder of a token. Many clients may use the same token, especially the anon key, so when a
 * share is full, the socket with the most channels loses one to a socket with fewer.
 */
export class ChannelShares {
	readonly #limits: Limits;
	readonly #shares = new Map<string, Share>();

	constructor(limits: Limits) {
		this.#limits = limits;
	}

	/** Reserves one channel with that many bindings on the socket; null if there is no room. */
	take(holder: string, socket: object, bindings: number): Reservation | null {
		const share = this.#shares.get(holder) ?? new Map<object, Set<Reservation>>();
		const wanted = {channels: 1, bindings};
		for (const amount of ['channels', 'bindings'] as const) {
			while (total(share, amount) + wanted[amount] > this.#limit(holder, amount)) {
				if (!makeRoom(share, socket, amount, wanted[amount])) return null;
			}
		}
		const own = share.get(socket) ?? new Set();
		const reservation: Reservation = {
			bindings,
			release: () => {
				own.delete(reservation);
				if (own.size === 0 && share.get(socket) === own) share.delete(socket);
				if (share.size === 0 && this.#shares.get(holder) === share) this.#shares.delete(holder);
			},
			end: null,
		};
		own.add(reservation);
		share.set(socket, own);
		this.#shares.set(holder, share);
		return reservation;
	}

	#limit(holder: string, amount: Amount): number {
		const {holderChannels, anonChannels, holderBindings, anonBindings} = this.#limits;
		if (amount === 'channels') return holder === 'anon' ? anonChannels : holderChannels;
		return holder === 'anon' ? anonBindings : holderBindings;
	}
}

/** Ends the newest channel of the socket that has the most. False if `socket` would then have as many itself. */
function makeRoom(share: Share, socket: object, amount: Amount, wanted: number): boolean {
	const own = amountIn(share.get(socket) ?? new Set(), amount) + wanted;
	const [most] = [...share.values()].sort((one, other) => amountIn(other, amount) - amountIn(one, amount));
	if (most === undefined || amountIn(most, amount) <= own) return false;
	const last = [...most].findLast(({end, bindings}) => end !== null && (amount === 'channels' || bindings > 0));
	if (last === undefined) return false;
	last.release();
	last.end?.();
	return true;
}

function total(share: Share, amount: Amount): number {
	let sum = 0;
	for (const reservations of share.values()) sum += amountIn(reservations, amount);
	return sum;
}

function amountIn(reservations: ReadonlySet<Reservation>, amount: Amount): number {
	if (amount === 'channels') return reservations.size;
	let sum = 0;
	for (const {bindings} of reservations) sum += bindings;
	return sum;
}
