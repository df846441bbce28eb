/**
 * The candidate that `word` was probably meant to be, without case: it differs by two letters at the most, or goes on where the
 * word ends. Null when there is none.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
	const folded = word.toLowerCase();
	const all = [...candidates];
	let best: string | null = null;
	// Of a short word less may be wrong, and one letter always may.
	let bound = Math.min(2, Math.max(1, Math.round(word.length * 0.4))) + 1;
	for (const candidate of all) {
		const distance = editDistance(folded, candidate.toLowerCase());
		if (distance < bound) {
			best = candidate;
			bound = distance;
		}
	}
	return best ?? all.find(candidate => isBegun(folded, candidate.toLowerCase())) ?? null;
}

function isBegun(word: string, candidate: string): boolean {
	return word.length >= 3 && candidate.startsWith(word);
}

/** Insertions, deletions, replacements and swaps of neighbours that make one text of the other (optimal string alignment). */
export function editDistance(one: string, other: string): number {
	let beforeLast: number[] = [];
	let last = Array.from({length: other.length + 1}, (_, index) => index);
	for (let i = 1; i <= one.length; i++) {
		const row = [i];
		for (let j = 1; j <= other.length; j++) {
			const same = one[i - 1] === other[j - 1];
			let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
			if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
				cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
			}
			row.push(cost);
		}
		beforeLast = last;
		last = row;
	}
	return last[other.length] ?? 0;
}
