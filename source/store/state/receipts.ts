import type {Receipt} from '../../mailbox/receipt.ts';
import {sameTag} from '../../mailbox/tag.ts';

/** The number of message ids in one part. */
const partSize = 64;

type Part = ReadonlyMap<number, readonly Receipt[]>;

/**
 * The receipts of the loaded messages, by message; immutable. They are split into parts because they come one by one, dozens a
 * second at busy times: each copies one part and the list of parts instead of thousands of entries.
 */
export class Receipts {
	static readonly none = new Receipts(new Map(), 0);
	/** The number of messages that have a receipt. */
	readonly size: number;
	readonly #parts: ReadonlyMap<number, Part>;
	#leaseEnds: readonly number[] | null = null;

	private constructor(parts: ReadonlyMap<number, Part>, size: number) {
		this.#parts = parts;
		this.size = size;
	}

	/** The receipts of one message, one for each reader. */
	get(message: number): readonly Receipt[] | undefined {
		return this.#parts.get(partOf(message))?.get(message);
	}

	/** When a lease ends for the first time after `now`, both in milliseconds since 1970; Infinity if none does. */
	leaseEndAfter(now: number): number {
		this.#leaseEnds ??= leaseEnds(this.#parts.values()).toSorted((one, other) => one - other);
		return this.#leaseEnds.find(end => end > now) ?? Infinity;
	}

	/** Adds receipts; each replaces an earlier one of the same reader. */
	with(incoming: readonly Receipt[]): Receipts {
		const parts = new Map(this.#parts);
		let {size} = this;
		for (const [key, receipts] of Map.groupBy(incoming, ({message_id}) => partOf(message_id))) {
			const part = new Map(parts.get(key));
			size -= part.size;
			for (const receipt of receipts) {
				const others = (part.get(receipt.message_id) ?? []).filter(({reader}) => !sameTag(reader, receipt.reader));
				part.set(receipt.message_id, [...others, receipt]);
			}
			size += part.size;
			parts.set(key, part);
		}
		return new Receipts(parts, size);
	}

	/** Without the receipt of one reader. */
	without({message_id, reader}: Pick<Receipt, 'message_id' | 'reader'>): Receipts {
		const known = this.get(message_id);
		if (known === undefined) return this;
		const key = partOf(message_id);
		const part = new Map(this.#parts.get(key));
		const others = known.filter(receipt => !sameTag(receipt.reader, reader));
		if (others.length > 0) part.set(message_id, others);
		else part.delete(message_id);
		return new Receipts(new Map(this.#parts).set(key, part), this.size - (others.length > 0 ? 0 : 1));
	}

	/** Only the receipts of messages that are wanted. */
	of(isWanted: (message: number) => boolean): Receipts {
		const parts = new Map<number, Part>();
		let size = 0;
		for (const [key, part] of this.#parts) {
			const left = new Map([...part].filter(([message]) => isWanted(message)));
			if (left.size > 0) parts.set(key, left);
			size += left.size;
		}
		return new Receipts(parts, size);
	}
}

function leaseEnds(parts: Iterable<Part>): number[] {
	const ends: number[] = [];
	for (const part of parts)
		for (const receipts of part.values())
			for (const {lease_until} of receipts) if (lease_until !== null) ends.push(Date.parse(lease_until));
	return ends;
}

function partOf(message: number): number {
	return Math.floor(message / partSize);
}
