/**
 * A list of blocks of lines, for computing which lines are visible in a pane whose newest block is at the bottom. A position is
 * the block at the pane's bottom edge and how many of its lines are hidden below that edge. `heightOf` returns the number of
 * lines of a block, including the gap above it, and is only called near the visible part. Indices count from 0.
 */
export interface Blocks {
	readonly count: number;
	readonly heightOf: (index: number) => number;
}

export interface Position {
	readonly index: number;
	/** Lines of that block below the pane's edge. */
	readonly hidden: number;
}

/** A visible line: the index of its block, and of the line in it. */
export interface Slot {
	readonly index: number;
	readonly line: number;
}

export function bottom({count}: Blocks): Position {
	return {index: Math.max(0, count - 1), hidden: 0};
}

/** The visible lines, top first; fewer than `height` if there are no more. */
export function visibleSlots(blocks: Blocks, at: Position, height: number): Slot[] {
	const slots: Slot[] = [];
	let {hidden} = at;
	for (let index = Math.min(at.index, blocks.count - 1); index >= 0 && slots.length < height; index--) {
		for (let line = blocks.heightOf(index) - 1 - hidden; line >= 0 && slots.length < height; line--) {
			slots.push({index, line});
		}
		hidden = 0;
	}
	return slots.reverse();
}

/** The position `lines` further up (negative: down), limited to both ends. */
export function scrolled(blocks: Blocks, from: Position, lines: number, height: number): Position {
	let {index, hidden} = from;
	hidden += lines;
	while (index > 0 && hidden >= blocks.heightOf(index)) {
		hidden -= blocks.heightOf(index);
		index--;
	}
	while (hidden < 0) {
		if (index >= blocks.count - 1) return bottom(blocks);
		index++;
		hidden += blocks.heightOf(index);
	}
	const top = topmost(blocks, height);
	return isAbove({index, hidden}, top) ? top : {index, hidden};
}

/** The position with the first line of the first block at the top. */
export function topmost(blocks: Blocks, height: number): Position {
	return withBlockAtTop(blocks, 0, height);
}

/** The position with the beginning of block `index` at the top. */
export function withBlockAtTop(blocks: Blocks, index: number, height: number): Position {
	let below = height;
	for (let at = index; at < blocks.count; at++) {
		const lines = blocks.heightOf(at);
		if (lines >= below) return {index: at, hidden: lines - below};
		below -= lines;
	}
	return bottom(blocks);
}

/** The nearest position that shows block `index`: all of it, or its beginning if it is taller than the pane. */
export function revealed(blocks: Blocks, at: Position, index: number, height: number): Position {
	if (index > at.index || (index === at.index && at.hidden > 0)) {
		return blocks.heightOf(index) > height ? withBlockAtTop(blocks, index, height) : {index, hidden: 0};
	}
	const [first] = visibleSlots(blocks, at, height);
	if (first === undefined) return at;
	if (index < first.index || (index === first.index && first.line > 1)) return withBlockAtTop(blocks, index, height);
	return at;
}

export function isAbove(one: Position, other: Position): boolean {
	return one.index < other.index || (one.index === other.index && one.hidden > other.hidden);
}
