import {isBeyond, type Anchor, type Position} from '../rest/position.ts';

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
