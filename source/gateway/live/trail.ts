import {isBeyond, type Anchor, type Position} from '../rest/position.ts';

/** The maximum number of rows; beyond it, every second row of the older half is forgotten. */
const most = 8192;

/**
 * Rows up to a cursor, oldest first. The newest of them that another history also has is the end of the common part. Its size
 * is bounded: it keeps all of the newest rows and ever fewer of the older ones.
 */
export class Trail {
	#anchors: Anchor[] = [];

	/** Oldest first, all of them after the rows that are here. */
	add(anchors: readonly Anchor[]): void {
		this.#anchors.push(...anchors);
		if (this.#anchors.length <= most) return;
		const half = this.#anchors.length - most / 2;
		this.#anchors = this.#anchors.filter((_, index) => index >= half || index % 2 === 0);
	}

	/** Rows before those that are here, oldest first. */
	addBefore(anchors: readonly Anchor[]): void {
		const [first] = this.#anchors;
		this.#anchors.unshift(...anchors.filter(anchor => first === undefined || isBeyond(first, anchor)));
	}

	/**
	 * Finds the newest row that another history also has; `lost` are the rows after it. `has` says whether it has a row. It has all
	 * rows up to one point and none after it, so a search by halves needs some twenty questions.
	 */
	async part(has: (anchor: Anchor) => Promise<boolean>): Promise<{common: Anchor | null; lost: readonly Anchor[]}> {
		const anchors = this.#anchors;
		const isThere = async (index: number): Promise<boolean> => {
			const anchor = anchors[index];
			return anchor !== undefined && (await has(anchor));
		};
		// Backwards in growing steps, since usually little was lost; then by halves.
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
