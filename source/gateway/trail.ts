import type {Cursor} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';

/** A place in the order in which the catch-up reads: by transaction, then by id. */
export type Position = Pick<Cursor, 'xid' | 'id'>;

/**
 * A row that was seen: where it stands and when it was written, in milliseconds since 1970. Another history may have a row
 * in its place, but not this one. Nothing of it ever changes, not by redaction either.
 */
export interface Anchor extends Position {
	readonly at: number;
}

/** The most rows that are remembered; beyond, every second one of the older half is forgotten. */
const most = 8192;

/**
 * The rows behind a cursor, oldest first: in another history the newest one that is still there tells where the two part. All of
 * the newest, and of the older ones fewer and fewer, so that its size has a bound.
 */
export class Trail {
	#anchors: Anchor[] = [];

	/** Oldest first, all of them behind what is here. */
	add(anchors: readonly Anchor[]): void {
		this.#anchors.push(...anchors);
		if (this.#anchors.length <= most) return;
		const half = this.#anchors.length - most / 2;
		this.#anchors = this.#anchors.filter((_, index) => index >= half || index % 2 === 0);
	}

	/** Rows that lie before all that are here, oldest first. */
	addBefore(anchors: readonly Anchor[]): void {
		const [first] = this.#anchors;
		this.#anchors.unshift(...anchors.filter(anchor => first === undefined || isBeyond(first, anchor)));
	}

	/**
	 * Finds the newest row that another history has as well; `lost` are those behind it. `has` says whether it has a row: that is so
	 * for all up to the place where the two part, so that some twenty questions are enough.
	 */
	async part(has: (anchor: Anchor) => Promise<boolean>): Promise<{common: Anchor | null; lost: readonly Anchor[]}> {
		const anchors = this.#anchors;
		const isThere = async (index: number): Promise<boolean> => {
			const anchor = anchors[index];
			return anchor !== undefined && (await has(anchor));
		};
		// Backwards with growing steps, since most often little was lost; then the half of what is left each time.
		let there = -1;
		let gone = anchors.length;
		for (let step = 1; gone > 0 && there === -1; step *= 2) {
			const index = Math.max(0, gone - step);
			if (await isThere(index)) there = index;
			else gone = index;
		}
		while (gone - there > 1) {
			const middle = Math.floor((there + gone) / 2);
			if (await isThere(middle)) there = middle;
			else gone = middle;
		}
		return {common: anchors[there] ?? null, lost: anchors.slice(there + 1)};
	}

	/** Forgets all rows beyond a place. */
	cut(to: Position | null): void {
		this.#anchors = to === null ? [] : this.#anchors.filter(anchor => !isBeyond(anchor, to));
	}
}

export function anchorOf({xid, id, created_at}: Pick<Message, 'xid' | 'id' | 'created_at'>): Anchor {
	return {xid, id, at: Date.parse(created_at)};
}

export function isSame(one: Anchor | undefined, other: Anchor): boolean {
	return one?.id === other.id && one.xid === other.xid && one.at === other.at;
}

export function isBeyond(one: Position, other: Position): boolean {
	if (one.xid === other.xid) return one.id > other.id;
	return BigInt(one.xid) > BigInt(other.xid);
}
