/** At most `max` UTF-16 units of a text from `from` on, without splitting a surrogate pair. */
export function cutText(text: string, max: number, from = 0): string {
	const cut = text.slice(from, from + max);
	return from + max < text.length ? cut.replace(/[\uD800-\uDBFF]$/, '') : cut;
}

/** The length that each of several texts may have so that all fit into `room` together. Shorter texts are not cut. */
export function fairShare(lengths: readonly number[], room: number): number {
	let left = room;
	const sorted = lengths.toSorted((one, other) => one - other);
	for (const [index, length] of sorted.entries()) {
		const share = Math.floor(left / (sorted.length - index));
		if (length > share) return share;
		left -= length;
	}
	return room;
}
