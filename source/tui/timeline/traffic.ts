import {firstFrom, type Mark, type Marks} from '../../store/mark.ts';
import {p, type Printable} from '../../printable.ts';
import {columnOf, type Scale} from './axis.ts';

/** The messages by lane and column. */
export interface Traffic {
	/** At lane * columns + column: how many messages the lane's tag wrote then. */
	readonly counts: Uint32Array;
	/** At the same index: 1 if all of them were to everyone. */
	readonly toAll: Uint8Array;
	/** By column: distinct pairs of lanes, author and addressee; null if there are too many to distinguish. */
	readonly links: ReadonlyArray<ReadonlyArray<readonly [number, number]> | null>;
	/** At lane * columns + column: how many of the lane's replies are pending then, that is, between a message and the reply to it. */
	readonly waits: Int32Array;
	readonly total: number;
}

const maxLinks = 4;

/**
 * Counts the messages from the window's beginning to `until` (milliseconds since 1970). Each call of `count` adds the marks that
 * were appended to the list since the last call.
 */
export function createTraffic(
	marks: Marks,
	laneOf: ReadonlyMap<string, number>,
	scale: Scale,
	until: number,
): {count(): Traffic} {
	const {columns} = scale;
	const lanes = laneOf.size;
	const counts = new Uint32Array(lanes * columns);
	const toAll = new Uint8Array(lanes * columns).fill(1);
	/** At lane * (columns + 1) + column: how many waits begin there, minus those that end. */
	const changes = new Int32Array(lanes * (columns + 1));
	const links: Array<Array<readonly [number, number]> | null> = Array.from({length: columns}, () => []);
	let index = firstFrom(marks.list, scale.from);
	let total = 0;

	function add(mark: Mark): void {
		const lane = laneOf.get(mark.tag);
		if (lane === undefined) return;
		total++;
		const column = columnOf(scale, mark.at);
		const cell = lane * columns + column;
		counts[cell] = (counts[cell] ?? 0) + 1;
		if (mark.mentions.length > 0) toAll[cell] = 0;
		for (const tag of mark.mentions) {
			const to = laneOf.get(tag);
			if (to !== undefined && to !== lane) link(links, column, lane, to);
		}
		const answered = mark.reply_to === null ? undefined : marks.get(mark.reply_to);
		if (answered === undefined) return;
		const since = Math.max(0, columnOf(scale, answered.at) + 1);
		if (since >= column) return;
		const row = lane * (columns + 1);
		changes[row + since] = (changes[row + since] ?? 0) + 1;
		changes[row + column] = (changes[row + column] ?? 0) - 1;
	}

	return {
		count() {
			for (; index < marks.list.length; index++) {
				const mark = marks.list[index];
				if (mark === undefined || mark.at >= scale.to || mark.at > until) break;
				add(mark);
			}
			return {counts, toAll, links, waits: summed(changes, lanes, columns), total};
		},
	};
}

function link(links: Array<Array<readonly [number, number]> | null>, column: number, from: number, to: number): void {
	const known = links[column];
	if (known === null || known === undefined || known.some(([a, b]) => a === from && b === to)) return;
	if (known.length === maxLinks) links[column] = null;
	else known.push([from, to]);
}

/** Sums beginnings and ends to the number of open waits at each column. */
function summed(changes: Int32Array, lanes: number, columns: number): Int32Array {
	const open = new Int32Array(lanes * columns);
	for (let lane = 0; lane < lanes; lane++) {
		let count = 0;
		for (let column = 0; column < columns; column++) {
			count += changes[lane * (columns + 1) + column] ?? 0;
			open[lane * columns + column] = count;
		}
	}
	return open;
}

/** The sign for a number of messages in one cell. */
export function countSign(count: number, isToAll: boolean): Printable {
	if (count === 1) return isToAll ? p`◆` : p`●`;
	if (count < 10) return p`${count}`;
	return count < 30 ? p`░` : count < 100 ? p`▒` : count < 300 ? p`▓` : p`█`;
}

/** The lanes of a message's addressees, of those that have one. */
export function addressees(mark: Mark, laneOf: ReadonlyMap<string, number>): number[] {
	return mark.mentions.flatMap(tag => laneOf.get(tag) ?? []);
}
