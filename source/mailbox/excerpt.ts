/** At most `most` UTF-16 units of a text from `from` on; never ends in half a character. */
export function cutText(text: string, most: number, from = 0): string {
	const cut = text.slice(from, from + most);
	return from + most < text.length ? cut.replace(/[\uD800-\uDBFF]$/, '') : cut;
}

/** What each of several texts of these lengths may have, so that all have `room` together: the short ones stay whole. */
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
