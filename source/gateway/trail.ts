import type {Cursor} from '../mailbox/event.ts';
import type {Message} from '../mailbox/message.ts';

/** A position in the order in which the catch-up reads: by transaction, then by id. */
export type Position = Pick<Cursor, 'xid' | 'id'>;

/**
 * A row that was seen: its position, and when it was written in milliseconds since 1970. Another history may have a row at the
 * same position, but not with the same time. None of the three ever changes, not even by redaction.
 */
export interface Anchor extends Position {
	readonly at: number;
}

/** The maximum number of rows; beyond it, every second row of the older half is forgotten. */
const maxRows = 8192;

/**
 * Rows up to a cursor, oldest first. The common part with another history ends at the newest of them that it also has. The size
 * is bounded: all of the newest rows are kept, and fewer the older they are.
 */
export class Trail {
	#anchors: Anchor[] = [];

	/** Adds rows after those that are here, oldest first. */
	add(anchors: readonly Anchor[]): void {
		this.#anchors.push(...anchors);
		if (this.#anchors.length <= maxRows) return;
		const half = this.#anchors.length - maxRows / 2;
		this.#anchors = this.#anchors.filter((_, index) => index >= half || index % 2 === 0);
	}

	/** Adds rows before those that are here, oldest first. */
	addBefore(anchors: readonly Anchor[]): void {
		const [first] = this.#anchors;
		this.#anchors.unshift(...anchors.filter(anchor => first === undefined || isBeyond(first, anchor)));
	}

	/**
	 * Finds the newest row that another history also has; `lost` are the rows after it. `has` says whether it has a row. Since it
	 * has all rows up to one point and none after it, a binary search needs about twenty calls.
	 */
	async part(has: (anchor: Anchor) => Promise<boolean>): Promise<{common: Anchor | null; lost: readonly Anchor[]}> {
		const anchors = this.#anchors;
		const isThere = async (index: number): Promise<boolean> => {
			const anchor = anchors[index];
			return anchor !== undefined && (await has(anchor));
		};
		// Backwards in growing steps, since usually little was lost; then a binary search.
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

	/** Forgets all rows beyond a position. */
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
